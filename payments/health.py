"""The vitals of the money side: work due, calls under way, refunds, the inbox, the cover."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.deadline.transitions import find_due
from campaigns.models import Campaign, CampaignStatus
from octo.clock import Clock
from octo.config import Settings
from octo.database import transaction
from octo.errors import N_
from octo.health.heartbeat import Heartbeat, beat, find_heartbeat, note_silence
from octo.health.vitals import Alert, Gauge, Times, Vitals, VitalsReader, figure
from octo.money import format_amount
from payments.accounting.cover import cover
from payments.blocked import list_frozen
from payments.longest_times import STRIPE
from payments.models import (
    OPEN_ATTEMPTS,
    Attempt,
    AttemptStatus,
    BooksState,
    Discrepancy,
    Freeze,
    InboxEvent,
    InboxStatus,
    RateBucket,
    Reconciliation,
    Refund,
    RefundStatus,
)

SILENT_FOR: Final = timedelta(minutes=5)
STUCK_AFTER: Final = timedelta(hours=1)
_TO_HANDLE: Final = (InboxStatus.RECEIVED, InboxStatus.PARKED)


def money_vitals(settings: Settings) -> VitalsReader:
    """Return the reader of the money side's vitals, for the currency of these settings."""

    def read_money(session: Session, times: Times) -> Vitals:
        stripe = find_heartbeat(session, STRIPE)
        return Vitals(
            gauges=[*_gauges(session, times, stripe, settings)],
            alerts=[*_alerts(session, times, stripe, settings)],
        )

    return read_money


def note_contact(clock: Clock, *, is_answering: bool) -> None:
    """Keep whether Stripe answered when it was last asked, and since when it does."""
    with transaction() as session:
        if is_answering:
            beat(session, STRIPE, at=clock.machine_now())
        else:
            note_silence(session, STRIPE)


def _gauges(
    session: Session, times: Times, stripe: Heartbeat | None, settings: Settings
) -> Iterator[Gauge]:
    yield _work_due(session, times)
    yield _attempts(session)
    oldest = _oldest_unknown(session)
    yield figure(
        "octo_unknown_oldest_seconds",
        "Age of the oldest call whose outcome nobody knows.",
        _seconds_since(oldest, times.machine),
    )
    yield _refunds(session, times)
    yield Gauge(
        "octo_pace_reserved_seconds",
        "Seconds of calls reserved ahead, by bucket of the pace: near zero is idle.",
        {
            (bucket.name,): max((bucket.granted_until - times.machine).total_seconds(), 0.0)
            for bucket in session.scalars(sa.select(RateBucket))
        },
        labels=("bucket",),
    )
    yield figure(
        "octo_lease_holders", "Processes that hold calls now.", _lease_holders(session, times)
    )
    yield from _inbox(session, times)
    frozen = _count_frozen(session)
    yield figure("octo_campaigns_frozen", "Campaigns whose money is frozen.", frozen)
    currency = settings.currency
    yield Gauge(
        "octo_cover_minor_units",
        "Stripe balance less all that is owed of it; below zero somebody cannot be paid back.",
        {(currency,): cover(session, currency).amount},
        labels=("currency",),
    )
    yield figure(
        "octo_discrepancies_open",
        "Differences between Stripe and the ledger that nobody has explained.",
        _count_discrepancies(session),
    )
    yield figure(
        "octo_stripe_answers",
        "1 when Stripe answered when last asked, else 0.",
        int(stripe is not None and stripe.alive_since is not None),
    )


def _work_due(session: Session, times: Times) -> Gauge:
    """Count what a worker would do now; what waits for an instant to come is not due."""
    campaigns = sa.select(Campaign.status, sa.func.count()).group_by(Campaign.status)
    moving = dict(session.execute(campaigns).all())
    calls = sa.select(sa.func.count()).where(
        Attempt.status.in_(OPEN_ATTEMPTS),
        Attempt.not_before <= times.machine,
        sa.or_(Attempt.lease_until.is_(None), Attempt.lease_until < times.machine),
    )
    events = sa.select(sa.func.count()).where(
        InboxEvent.status.in_(_TO_HANDLE), InboxEvent.not_before <= times.machine
    )
    return Gauge(
        "octo_work_due",
        "What waits for a worker now, by kind of work.",
        {
            ("close",): len(find_due(session, at=times.business)),
            ("judge",): moving.get(CampaignStatus.CLOSING, 0),
            ("collect",): moving.get(CampaignStatus.COLLECTING, 0),
            ("settle",): moving.get(CampaignStatus.SETTLING, 0),
            ("calls",): session.scalar(calls) or 0,
            ("events",): session.scalar(events) or 0,
        },
        labels=("kind",),
    )


def _attempts(session: Session) -> Gauge:
    counted = session.execute(
        sa.select(Attempt.kind, Attempt.status, sa.func.count()).group_by(
            Attempt.kind, Attempt.status
        )
    )
    return Gauge(
        "octo_attempts",
        "Calls to Stripe ever planned, by kind and state.",
        {(kind.value, status.value): count for kind, status, count in counted},
        labels=("kind", "state"),
    )


def _refunds(session: Session, times: Times) -> Gauge:
    pending = Refund.status == RefundStatus.PENDING
    is_stuck = sa.and_(pending, Refund.requested_at < times.business - STUCK_AFTER)
    counts = session.execute(
        sa.select(
            sa.func.count().filter(pending),
            sa.func.count().filter(is_stuck),
            sa.func.count().filter(Refund.status == RefundStatus.FAILED),
        )
    ).one()
    return Gauge(
        "octo_refunds",
        "Refunds on their way, those of them for over an hour, and those that failed.",
        dict(zip((("pending",), ("stuck",), ("failed",)), counts, strict=True)),
        labels=("state",),
    )


def _lease_holders(session: Session, times: Times) -> int:
    counted = sa.select(sa.func.count(sa.distinct(Attempt.holder))).where(
        Attempt.status == AttemptStatus.SENT, Attempt.lease_until >= times.machine
    )
    return session.scalar(counted) or 0


def _inbox(session: Session, times: Times) -> Iterator[Gauge]:
    rows = session.execute(
        sa.select(InboxEvent.status, sa.func.count(), sa.func.min(InboxEvent.received_at))
        .where(InboxEvent.status.in_(_TO_HANDLE))
        .group_by(InboxEvent.status)
    ).all()
    counts = {status: count for status, count, _ in rows}
    yield Gauge(
        "octo_inbox_events",
        "Stripe's events not handled yet; parked ones name an object we do not know.",
        {(status.value,): counts.get(status, 0) for status in _TO_HANDLE},
        labels=("state",),
    )
    oldest = min((received_at for _, _, received_at in rows), default=None)
    yield figure(
        "octo_inbox_oldest_seconds",
        "Age of the oldest event not handled yet.",
        _seconds_since(oldest, times.machine),
    )


def _alerts(
    session: Session, times: Times, stripe: Heartbeat | None, settings: Settings
) -> Iterator[Alert]:
    """Find what a person must look at: each is in docs/operations.md by its code."""
    yield from _stripe_away(times, stripe)
    if session.scalar(sa.select(Reconciliation.state)) is BooksState.BEHIND_STRIPE:
        yield Alert("database_behind_stripe", N_("The database is behind Stripe: no money moves."))
    currency = settings.currency
    below = cover(session, currency).amount
    if below < 0:
        yield Alert(
            "cover_below_zero",
            N_("The cover is below zero: top the Stripe balance up with at least %(amount)s."),
            {"amount": format_amount(-below, currency, "fr")},
        )
    for slug in list_frozen(session):
        yield Alert(
            "campaign_frozen",
            N_("The money of %(campaign)s is frozen until somebody has looked."),
            {"campaign": slug},
            subject=slug,
        )
    if differences := _count_discrepancies(session):
        yield Alert(
            "books_differ",
            N_("Stripe and the ledger differ; differences to explain: %(count)s."),
            {"count": differences},
        )


def _stripe_away(times: Times, stripe: Heartbeat | None) -> Iterator[Alert]:
    if stripe is not None and times.machine - stripe.beat_at > SILENT_FOR:
        yield Alert("stripe_away", N_("Stripe has not answered for over five minutes."))


def _oldest_unknown(session: Session) -> datetime | None:
    return session.scalar(
        sa.select(sa.func.min(Attempt.first_sent_at)).where(Attempt.status == AttemptStatus.UNKNOWN)
    )


def _count_frozen(session: Session) -> int:
    frozen = sa.select(sa.func.count()).select_from(Freeze).where(Freeze.opened())
    return session.scalar(frozen) or 0


def _count_discrepancies(session: Session) -> int:
    counted = sa.select(sa.func.count()).select_from(Discrepancy).where(Discrepancy.opened())
    return session.scalar(counted) or 0


def _seconds_since(then: datetime | None, now: datetime) -> float:
    return max((now - then).total_seconds(), 0.0) if then is not None else 0.0
