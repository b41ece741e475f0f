"""How long money, calls to Stripe and its events may stand in the states that must pass."""

from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus
from octo.errors import N_
from octo.health.heartbeat import Heartbeat
from octo.health.longest_times import LongestTime
from payments.models import (
    Attempt,
    AttemptStatus,
    Block,
    Document,
    Freeze,
    InboxEvent,
    InboxStatus,
    Payment,
    Refund,
    RefundStatus,
    ReversalStatus,
    Transfer,
    TransferReversal,
    TransferStatus,
)

STRIPE: Final = "stripe"
_A_DAY: Final = timedelta(days=1)
_WAITS_FOR_OWNER: Final = sa.and_(
    Transfer.status == TransferStatus.PENDING, Transfer.block == Block.OWNER
)


def _latest(instant: sa.SQLColumnExpression[Any], model: Any) -> sa.ScalarSelect[Any]:
    """Return the latest such instant of what belongs to a campaign."""
    rows = sa.select(sa.func.max(instant)).where(model.campaign_id == Campaign.id)
    return rows.correlate(Campaign).scalar_subquery()


def _stripe_since() -> sa.ScalarSelect[Any]:
    """Return since when Stripe has answered without a break, in machine time."""
    return sa.select(Heartbeat.alive_since).where(Heartbeat.name == STRIPE).scalar_subquery()


LONGEST_TIMES: Final = (
    LongestTime(
        "settling_late",
        N_("%(name)s should have been settled over a day ago."),
        sa.and_(
            Campaign.status == CampaignStatus.SETTLING,
            ~Freeze.holds(Campaign.id),
            ~sa.exists().where(Transfer.campaign_id == Campaign.id, _WAITS_FOR_OWNER),
            ~sa.exists().where(Refund.campaign_id == Campaign.id, Refund.owed()),
        ),
        since=(
            Campaign.decided_at,
            Campaign.collecting_ends_at,
            _latest(Payment.available_at, Payment),
            _latest(Document.issued_at, Document),
            _latest(Transfer.created_at, Transfer),
            _latest(Transfer.expected_at, Transfer),
            _latest(Refund.requested_at, Refund),
        ),
        longest=_A_DAY,
        name=Campaign.slug,
    ),
    LongestTime(
        "owner_late",
        N_("Transfers have waited two weeks for owners to finish with Stripe: %(count)s."),
        _WAITS_FOR_OWNER,
        since=(Transfer.created_at,),
        longest=timedelta(days=14),
    ),
    LongestTime(
        "refund_late",
        N_("Refunds have been on their way for over a day: %(count)s."),
        Refund.status == RefundStatus.PENDING,
        since=(Refund.requested_at,),
        longest=_A_DAY,
    ),
    LongestTime(
        "refund_owed",
        N_("Refunds failed over a week ago, and their backers are still owed them: %(count)s."),
        Refund.owed(),
        since=(Refund.closed_at,),
        longest=timedelta(days=7),
    ),
    LongestTime(
        "reversal_late",
        N_("Transfers have been on their way back for over a day: %(count)s."),
        TransferReversal.status == ReversalStatus.PENDING,
        since=(TransferReversal.requested_at,),
        longest=_A_DAY,
    ),
    LongestTime(
        "call_late",
        N_("Calls to Stripe were planned over a day ago and are not made: %(count)s."),
        sa.and_(
            Attempt.status.in_((AttemptStatus.NEW, AttemptStatus.SENT)),
            sa.or_(Attempt.campaign_id.is_(None), ~Freeze.holds(Attempt.campaign_id)),
        ),
        since=(Attempt.created_at,),
        longest=_A_DAY,
        is_machine_time=True,
    ),
    LongestTime(
        "outcome_unknown",
        N_("Stripe answers, yet the outcome of calls is unknown for five minutes: %(count)s."),
        sa.and_(Attempt.status == AttemptStatus.UNKNOWN, _stripe_since().is_not(None)),
        since=(Attempt.first_sent_at, _stripe_since()),
        longest=timedelta(minutes=5),
        is_machine_time=True,
    ),
    LongestTime(
        "event_late",
        N_("Events of Stripe's have waited over an hour to be handled: %(count)s."),
        InboxEvent.status == InboxStatus.RECEIVED,
        since=(InboxEvent.received_at,),
        longest=timedelta(hours=1),
        is_machine_time=True,
    ),
    LongestTime(
        "event_parked",
        N_("Events name for over a day objects that are not known here: %(count)s."),
        InboxEvent.status == InboxStatus.PARKED,
        since=(InboxEvent.received_at,),
        longest=_A_DAY,
        is_machine_time=True,
    ),
)
