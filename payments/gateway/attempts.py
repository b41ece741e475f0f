"""The attempts: made before a call, claimed under a lease, closed with what came of it.

Times here are machine time: a demo that moves its calendar expires no lease and no key.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.database import UtcDateTime, lock_all
from octo.ids import new_public_id
from payments.gateway.endpoints import endpoint_of
from payments.gateway.facts import Done, Postponed, Refused, Unknown
from payments.gateway.send_conditions import is_cleared
from payments.models import OPEN_ATTEMPTS, Attempt, AttemptKind, AttemptStatus, Freeze

KEY_LIFETIME: Final = timedelta(hours=23)
"""Stripe may forget a key after 24 hours; an hour is kept for clocks and queues."""

LEASE: Final = timedelta(seconds=6)
CALLER_LEASE: Final = timedelta(seconds=45)
WITHDRAWN: Final = "withdrawn"
SERVER_ERRORS_BEFORE_LOOKUP: Final = 3
LONGEST_BACK_OFF: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Claimed:
    """An attempt this process holds: what to send, under which key, and the fence to write by.

    ``needs_lookup`` says to look first whether it was done. A look-up sends nothing, so it
    leaves ``sent_at`` at the instant from which the old request is waited for.
    """

    id: int
    fence: int
    kind: AttemptKind
    subject: str
    key: str
    parameters: dict[str, Any]
    sent_at: datetime
    needs_lookup: bool


def plan_attempt(
    session: Session,
    *,
    installation: str,
    kind: AttemptKind,
    subject: str,
    parameters: dict[str, Any],
    at: datetime,
    campaign_id: int | None = None,
    action_number: int = 1,
    try_number: int = 1,
) -> Attempt:
    """Add an attempt with its key; the caller's commit makes the intention durable.

    The key and our ids also go into Stripe's metadata, never a name or an e-mail.
    """
    key = f"{installation}:{kind.value}:{subject}:{action_number}:{try_number}"
    metadata = dict(parameters.get("metadata", {}))
    if endpoint_of(kind).creates:
        metadata |= {"octo_installation": installation, "octo_subject": subject, "octo_key": key}
        parameters = {**parameters, "metadata": metadata}
    attempt = Attempt(
        public_id=new_public_id("att"),
        kind=kind,
        subject=subject,
        campaign_id=campaign_id,
        action_number=action_number,
        try_number=try_number,
        idempotency_key=key,
        parameters=parameters,
        not_before=at,
        created_at=at,
        fence=0,
        sends_count=0,
        status=AttemptStatus.NEW,
    )
    session.add(attempt)
    return attempt


def take(attempt: Attempt, *, holder: str, at: datetime, lease: timedelta) -> Claimed:
    """Claim an attempt just planned for ``holder``; committed before the call is made."""
    assert attempt.status is AttemptStatus.NEW
    attempt.status = AttemptStatus.SENT
    attempt.first_sent_at = attempt.sent_at = at
    attempt.holder = holder
    attempt.lease_until = at + lease
    attempt.fence += 1
    return Claimed(
        id=attempt.id,
        fence=attempt.fence,
        kind=attempt.kind,
        subject=attempt.subject,
        key=attempt.idempotency_key,
        parameters=attempt.parameters,
        sent_at=at,
        needs_lookup=False,
    )


def claim(
    session: Session,
    *,
    holder: str,
    capacities: Mapping[AttemptKind, int],
    limit: int,
    at: datetime,
) -> list[Claimed]:
    """Claim attempts that are due, in turn, so that no other worker sends them.

    ``capacities`` says how many of each kind, ``limit`` how many in all. Campaigns and kinds take
    turns: a long queue makes nobody else wait behind it.
    """
    chosen = (
        _choose(session, capacities=capacities, limit=limit, at=at) if capacities and limit else ()
    )
    return _hold(session, chosen, holder=holder, at=at, lease=LEASE) if chosen else []


def claim_again(
    session: Session, *, kind: AttemptKind, subject: str, holder: str, at: datetime
) -> Claimed | None:
    """Claim the open attempt of a subject out of its turn: a person has come back and waits.

    Nothing while another process holds it, or its campaign is frozen.
    """
    due = session.scalars(
        sa.select(Attempt.id)
        .where(
            Attempt.kind == kind,
            Attempt.subject == subject,
            Attempt.status.in_(OPEN_ATTEMPTS),
            _is_free(at),
            ~_is_frozen(),
        )
        .with_for_update(skip_locked=True, of=Attempt)
    ).one_or_none()
    if due is None:
        return None
    return _hold(session, [due], holder=holder, at=at, lease=CALLER_LEASE)[0]


def _hold(
    session: Session, chosen: Sequence[int], *, holder: str, at: datetime, lease: timedelta
) -> list[Claimed]:
    """Mark attempts, locked by the caller, as being sent by ``holder``, in their order."""
    now = sa.literal(at, UtcDateTime())
    is_key_old = sa.func.coalesce(Attempt.first_sent_at, now) < at - KEY_LIFETIME
    needs_lookup = sa.or_(is_key_old, Attempt.sends_count >= SERVER_ERRORS_BEFORE_LOOKUP)
    taken = session.execute(
        sa.update(Attempt)
        .where(Attempt.id.in_(chosen))
        .values(
            status=AttemptStatus.SENT,
            first_sent_at=sa.func.coalesce(Attempt.first_sent_at, now),
            sent_at=sa.case((needs_lookup, sa.func.coalesce(Attempt.sent_at, now)), else_=now),
            holder=holder,
            lease_until=at + lease,
            fence=Attempt.fence + 1,
        )
        .returning(
            Attempt.id,
            Attempt.fence,
            Attempt.kind,
            Attempt.subject,
            Attempt.idempotency_key,
            Attempt.parameters,
            Attempt.sent_at,
            needs_lookup,
        )
        .execution_options(synchronize_session=False)
    )
    claims = {claimed.id: claimed for claimed in (Claimed(*row) for row in taken)}
    return [claims[number] for number in chosen]


def _choose(
    session: Session, *, capacities: Mapping[AttemptKind, int], limit: int, at: datetime
) -> Sequence[int]:
    """Lock the attempts whose turn it is and return their ids in that order."""
    turn = sa.func.row_number().over(
        partition_by=(Attempt.kind, Attempt.campaign_id), order_by=(Attempt.not_before, Attempt.id)
    )
    due = (
        sa.select(Attempt.id, Attempt.kind, turn.label("turn"))
        .where(Attempt.kind.in_(capacities), *_is_due(session, at=at))
        .subquery("due")
    )
    place = sa.func.row_number().over(partition_by=due.c.kind, order_by=(due.c.turn, due.c.id))
    placed = sa.select(due, place.label("place")).subquery("placed")
    capacity = sa.case(*((placed.c.kind == kind, number) for kind, number in capacities.items()))
    first = (
        sa.select(placed.c.id, placed.c.turn)
        .where(placed.c.place <= capacity)
        .order_by(placed.c.turn, placed.c.id)
        .limit(limit)
        .subquery("first")
    )
    return session.scalars(
        sa.select(Attempt.id)
        .join(first, first.c.id == Attempt.id)
        .where(*_is_due(session, at=at))
        .order_by(first.c.turn, Attempt.id)
        .with_for_update(skip_locked=True, of=Attempt)
    ).all()


def _is_due(session: Session, *, at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of what may be sent now.

    Due are new attempts, unknown ones whose back-off is over, and sent ones whose holder let
    its lease run out. Those of a frozen campaign wait, and those that move money until the
    books were compared with Stripe.
    """
    return (
        Attempt.status.in_(OPEN_ATTEMPTS),
        Attempt.not_before <= at,
        _is_free(at),
        ~_is_frozen(),
        is_cleared(session, at=at),
    )


def _is_free(at: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(Attempt.lease_until.is_(None), Attempt.lease_until < at)


def _is_frozen() -> sa.ColumnElement[bool]:
    return Freeze.holds(Attempt.campaign_id)


def find_due_kinds(session: Session, *, at: datetime) -> set[AttemptKind]:
    """Tell of which kinds something could be sent now."""
    return set(session.scalars(sa.select(Attempt.kind).where(*_is_due(session, at=at)).distinct()))


def renew(session: Session, claims: Sequence[Claimed], *, holder: str, at: datetime) -> None:
    """Keep the leases of a living worker; one statement, whatever their number."""
    session.execute(
        sa.update(Attempt)
        .where(
            Attempt.id.in_([claimed.id for claimed in claims]),
            Attempt.holder == holder,
            Attempt.status == AttemptStatus.SENT,
            Attempt.lease_until >= at,
        )
        .values(lease_until=at + LEASE)
        .execution_options(synchronize_session=False)
    )


def release(session: Session, claims: Sequence[Claimed], *, holder: str) -> None:
    """Give back what was claimed and never sent: another worker may take it at once."""
    session.execute(
        sa.update(Attempt)
        .where(
            Attempt.id.in_([claimed.id for claimed in claims]),
            Attempt.holder == holder,
            Attempt.status == AttemptStatus.SENT,
        )
        .values(lease_until=None)
        .execution_options(synchronize_session=False)
    )


def lock_held(session: Session, claims: Sequence[Claimed]) -> dict[int, Attempt]:
    """Lock the attempts that are still ours, in id order; a lost lease has another fence."""
    fences = {one.id: one.fence for one in claims}
    return {
        row.id: row
        for row in lock_all(session, Attempt, Attempt.id.in_(fences))
        if row.fence == fences[row.id] and row.status is AttemptStatus.SENT
    }


def close(attempt: Attempt, answer: Done | Refused, *, at: datetime) -> None:
    """Close an attempt: Stripe did it, or said no for good."""
    attempt.closed_at = at
    attempt.lease_until = None
    if isinstance(answer, Done):
        attempt.status = AttemptStatus.DONE
        attempt.stripe_object_id = answer.fact.id
    else:
        attempt.status = AttemptStatus.FAILED
        attempt.error_code = answer.code[:80]
        attempt.error_message = answer.message


def reschedule(attempt: Attempt, answer: Postponed | Unknown, *, at: datetime) -> None:
    """Keep an attempt open, to be sent again under the same key after a pause with jitter."""
    if isinstance(answer, Postponed):
        attempt.error_code = answer.code[:80]
        attempt.holder = None
        attempt.lease_until = at + _jittered(timedelta(seconds=answer.retry_after_seconds))
        return
    attempt.status = AttemptStatus.UNKNOWN
    attempt.error_message = answer.reason
    attempt.lease_until = None
    attempt.sends_count += int(answer.is_server_error)
    waited = at - (attempt.first_sent_at or at)
    attempt.not_before = at + _jittered(min(max(waited, timedelta(seconds=1)), LONGEST_BACK_OFF))


def withdraw(session: Session, *, kind: AttemptKind, subject: str, at: datetime) -> bool:
    """Take back the calls of a subject that were never sent; tell whether none is left open.

    One that a worker is claiming right now is passed over, so nobody ever waits here: it counts
    as sent.
    """
    unsent = session.scalars(
        sa.select(Attempt)
        .where(
            Attempt.kind == kind, Attempt.subject == subject, Attempt.status == AttemptStatus.NEW
        )
        .with_for_update(skip_locked=True, of=Attempt)
        .execution_options(populate_existing=True)
    ).all()
    for attempt in unsent:
        close(attempt, Refused(WITHDRAWN, "taken back before it was sent"), at=at)
    session.flush()
    left = sa.select(Attempt.id).where(
        Attempt.kind == kind, Attempt.subject == subject, Attempt.status.in_(OPEN_ATTEMPTS)
    )
    return session.scalar(left.limit(1)) is None


def restore_attempt(
    session: Session, key: str, *, stripe_object_id: str, campaign_id: int | None, at: datetime
) -> None:
    """Write down that Stripe carried a call out which a restored backup does not know of.

    The key says all of it; one that the backup still means to send is closed.
    """
    attempt = session.scalars(
        sa.select(Attempt).where(Attempt.idempotency_key == key).with_for_update()
    ).one_or_none()
    if attempt is None:
        _, kind, subject, action_number, try_number = key.rsplit(":", 4)
        attempt = Attempt(
            public_id=new_public_id("att"),
            kind=AttemptKind(kind),
            subject=subject,
            campaign_id=campaign_id,
            action_number=int(action_number),
            try_number=int(try_number),
            idempotency_key=key,
            parameters={},
            not_before=at,
            created_at=at,
            fence=0,
            sends_count=0,
        )
        session.add(attempt)
    attempt.first_sent_at = attempt.first_sent_at or at
    attempt.sent_at = attempt.sent_at or at
    attempt.status = AttemptStatus.DONE
    attempt.stripe_object_id = stripe_object_id
    attempt.closed_at = at
    attempt.lease_until = None


def replan_under_new_key(
    session: Session, attempt: Attempt, *, installation: str, at: datetime
) -> Attempt:
    """Close an attempt that a look-up proved without effect, and plan it under a new key.

    Only called once the old request can no longer be alive.
    """
    close(attempt, Refused("no_effect", "a look-up found nothing; planned again"), at=at)
    return plan_attempt(
        session,
        installation=installation,
        kind=attempt.kind,
        subject=attempt.subject,
        parameters=attempt.parameters,
        at=at,
        campaign_id=attempt.campaign_id,
        action_number=attempt.action_number,
        try_number=attempt.try_number + 1,
    )


def _jittered(pause: timedelta) -> timedelta:
    return pause * random.uniform(1.0, 1.5)  # noqa: S311 - spreads retries, guards nothing
