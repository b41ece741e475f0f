"""What waits and for what, in plain words: what ``flask worker --once`` says before it stops."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.clock import Clock
from octo.database import reading
from payments.gateway.send_conditions import MOVES_NO_MONEY, differs, is_compared
from payments.models import (
    OPEN_ATTEMPTS,
    Attempt,
    AttemptKind,
    Freeze,
    InboxEvent,
    InboxStatus,
)

_WORDS: Final = {
    AttemptKind.CHECKOUT_CREATE: "checkouts to open",
    AttemptKind.CHECKOUT_EXPIRE: "checkouts to close",
    AttemptKind.INTENT_CREATE: "charges to prepare",
    AttemptKind.INTENT_CONFIRM: "charges",
    AttemptKind.INTENT_CANCEL: "charges to call off",
    AttemptKind.CARD_DETACH: "cards to forget",
    AttemptKind.REFUND_CREATE: "refunds",
    AttemptKind.TRANSFER_CREATE: "transfers",
    AttemptKind.REVERSAL_CREATE: "reversals",
    AttemptKind.ACCOUNT_CREATE: "accounts to open",
}
_UNCOMPARED: Final = "wait for the books to be compared with Stripe"
_DIFFERING: Final = "wait for a treasurer to explain where the books differ from Stripe"
_UNANSWERED: Final = "have no answer yet and are left alone"
_IS_FROZEN: Final = sa.exists().where(
    Freeze.campaign_id == Attempt.campaign_id, Freeze.lifted_at.is_(None)
)


def slug_of(campaign_id: int) -> str:
    """Return by which name a campaign is told to an operator."""
    with reading() as session:
        return session.scalars(sa.select(Campaign.slug).where(Campaign.id == campaign_id)).one()


def until(instant: datetime | None) -> str:
    """Say until when something waits, for the end of a sentence."""
    return f" until {instant:%Y-%m-%d %H:%M:%S} UTC" if instant is not None else ""


def list_frozen(session: Session) -> Sequence[str]:
    """List the slugs of the campaigns whose money is frozen, the longest first."""
    return session.scalars(
        sa.select(Campaign.slug)
        .join(Freeze, Freeze.campaign_id == Campaign.id)
        .where(Freeze.lifted_at.is_(None))
        .order_by(Freeze.id)
    ).all()


def describe_frozen() -> list[str]:
    """Say of each frozen campaign that a person must look."""
    with reading() as session:
        slugs = list_frozen(session)
    return [f"{slug}: its money is frozen until a treasurer has looked" for slug in slugs]


def describe_open_calls(clock: Clock) -> Iterator[str]:
    """Say which calls to Stripe have no outcome yet; those of frozen campaigns are said apart."""
    with reading() as session:
        moves_money = Attempt.kind.not_in(MOVES_NO_MONEY)
        is_compared_now = is_compared(session, at=clock.machine_now())
        hold = sa.case(
            (sa.and_(moves_money, ~is_compared_now), _UNCOMPARED),
            (sa.and_(moves_money, differs()), _DIFFERING),
            else_=_UNANSWERED,
        )
        free_at = sa.func.min(sa.func.coalesce(Attempt.lease_until, Attempt.not_before))
        rows = session.execute(
            sa.select(Campaign.slug, Attempt.kind, hold, sa.func.count(), free_at)
            .outerjoin(Campaign, Campaign.id == Attempt.campaign_id)
            .where(Attempt.status.in_(OPEN_ATTEMPTS), ~_IS_FROZEN)
            .group_by(Campaign.slug, Attempt.kind, hold)
            .order_by(Campaign.slug, Attempt.kind)
        ).all()
    for slug, kind, why, count, free_at in rows:
        after = until(free_at) if why == _UNANSWERED else ""
        yield f"{slug or 'the platform'}: {count} {_WORDS[kind]} {why}{after}"


def describe_parked_events() -> Iterator[str]:
    """Say how many events name an object nobody knows, and when they are looked at again."""
    with reading() as session:
        count, next_at = session.execute(
            sa.select(sa.func.count(), sa.func.min(InboxEvent.not_before)).where(
                InboxEvent.status == InboxStatus.PARKED
            )
        ).one()
    if count:
        yield f"the inbox: {count} events about objects not known here are parked{until(next_at)}"
