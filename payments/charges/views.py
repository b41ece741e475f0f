"""What pages show of the money of a pledge, and of a campaign that is collecting."""

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from campaigns.models import Pledge, PledgeStatus
from campaigns.policy.receipt_states import MoneyFacts
from campaigns.ports import CollectingView, PaymentView, RepairView
from octo.database import reading
from payments.charges.repairs import find_declined
from payments.documents.counted import IS_PAID, read_counted
from payments.models import (
    Dispute,
    DisputeStatus,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Resolution,
    SavedCard,
)


def view_payment(pledge_id: str, *, at: datetime) -> PaymentView | None:
    """Return what a receipt shows, or nothing when no payment was begun and no card saved."""
    with reading() as session:
        pledge = session.scalars(
            sa.select(Pledge)
            .where(Pledge.public_id == pledge_id)
            .options(joinedload(Pledge.campaign))
        ).one()
        of_pledge = sa.select(Payment).where(Payment.pledge_id == pledge.id).order_by(Payment.id)
        payments = session.scalars(of_pledge).all()
        card = session.scalars(
            sa.select(SavedCard).where(SavedCard.pledge_id == pledge.id)
        ).one_or_none()
        refunds = session.scalars(
            sa.select(Refund)
            .where(
                Refund.payment_id.in_([payment.id for payment in payments]),
                Refund.resolution.is_distinct_from(Resolution.NOT_DUE),
            )
            .order_by(Refund.id)
        ).all()
        contested = Dispute.payment_id.in_([payment.id for payment in payments])
        disputes = session.scalars(sa.select(Dispute).where(contested)).all()
    if not payments and card is None:
        return None
    charged = _payment_shown(payments)
    last = refunds[-1] if refunds else None
    declined = find_declined(pledge, pledge.campaign, payments, at=at)
    shown = charged or (payments[-1] if payments else card)
    assert shown is not None
    return PaymentView(
        status=shown.status.value,
        money=_money(charged, refunds, disputes, is_declined=declined is not None),
        charged_at=charged.charged_at if charged else None,
        refund_status=_status_shown(last) if last else None,
        refund_requested_at=last.requested_at if last else None,
        stripe_reference=charged.stripe_charge_id if charged else None,
        card=f"{card.brand} {card.last4}".strip() if card else "",
        repair=_repair(pledge, declined, payments[-1]) if declined else None,
    )


def _payment_shown(payments: Sequence[Payment]) -> Payment | None:
    """Return the payment that stands for its pledge; one that only came too late when none does."""
    charged = [one for one in payments if one.status is PaymentStatus.SUCCEEDED]
    return next((one for one in charged if one.is_counted), charged[0] if charged else None)


def _money(
    charged: Payment | None,
    refunds: Sequence[Refund],
    disputes: Sequence[Dispute],
    *,
    is_declined: bool,
) -> MoneyFacts:
    left = charged.refundable_amount if charged else 0
    return MoneyFacts(
        is_charged=charged is not None,
        is_declined=is_declined,
        left_amount=left,
        counted_amount=left - charged.tip_left_amount if charged else 0,
        returning_amount=_sum(refunds, lambda one: one.status is RefundStatus.PENDING),
        returned_amount=_sum(refunds, lambda one: one.status is RefundStatus.SUCCEEDED),
        owed_amount=_sum(refunds, lambda one: one.is_owed),
        paid_by_bank_amount=_sum(refunds, lambda one: one.resolution is Resolution.PAID_BY_BANK),
        withdrawn_amount=sum(one.withdrawn_amount for one in disputes),
        is_contested=any(one.status is DisputeStatus.OPENED for one in disputes),
        is_inquired=any(one.status is DisputeStatus.INQUIRY for one in disputes),
    )


def _sum(refunds: Sequence[Refund], is_wanted: Callable[[Refund], bool]) -> int:
    return sum(one.amount for one in refunds if is_wanted(one))


def _status_shown(refund: Refund) -> str:
    """Return a refund's status, or that its backer was paid otherwise after it failed."""
    if refund.resolution is Resolution.PAID_BY_BANK:
        return refund.resolution.value
    return refund.status.value


def view_collecting(campaign_id: int) -> CollectingView:
    """Return what saved cards have brought so far, and what is left to charge or to repair."""
    of_campaign = Pledge.campaign_id == campaign_id
    counts = sa.select(sa.func.count().filter(IS_PAID), sa.func.count().filter(~IS_PAID)).where(
        of_campaign, Pledge.status == PledgeStatus.ACTIVE
    )
    with reading() as session:
        collected_count, left_count = session.execute(counts).one()
        return CollectingView(
            collected_amount=read_counted(session, of_campaign, IS_PAID),
            collected_count=collected_count,
            left_amount=read_counted(session, of_campaign, ~IS_PAID),
            left_count=left_count,
        )


def _repair(pledge: Pledge, declined: Payment, last: Payment) -> RepairView:
    assert pledge.campaign.collecting_ends_at is not None
    return RepairView(
        reason=declined.failure_code or "",
        until=pledge.campaign.collecting_ends_at,
        is_under_way=not last.is_resolved,
    )
