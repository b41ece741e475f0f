"""Take in disputes: a backer's bank contests a payment.

Money withdrawn leaves what the campaign collected at once, whatever its stage: before the verdict
it does not count, afterwards a credit note follows, and an owner who was paid owes it. Money that
comes back is the campaign's again, or its backer's if the campaign gives everything back.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.deadline.transitions import reopen_settling
from campaigns.models import Campaign, Outcome
from octo.database import lock
from payments.accounting import entries
from payments.context import Context
from payments.documents.settlements import correct_documents
from payments.gateway.facts import DisputeFact
from payments.ledger.posting import adopt_movement
from payments.models import (
    Dispute,
    DisputeStage,
    DisputeStatus,
    Payment,
    Transfer,
    TransferStatus,
)
from payments.policy import reason_after_dispute, stage_of_dispute
from payments.refunds.cancellation import cancel_unsent_refunds
from payments.refunds.dispute_split import share_disputes, unbook_loss
from payments.refunds.requests import refund_rest

_CLOSED: Final = frozenset({DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.CLOSED})


def record_dispute(
    session: Session, payment: Payment, seen: DisputeFact, *, context: Context
) -> None:
    """Take in what Stripe says of a dispute; the caller holds the pledge's and payment's locks.

    An inquiry (``warning_*``) takes no money. Amounts and fees are Stripe's own, movement by
    movement, and may differ from the charge's.
    """
    campaign = lock(session, Campaign, id=payment.campaign_id)
    dispute = _find_or_add(session, payment, seen)
    for movement in seen.movements:
        is_withdrawal = movement.amount < 0
        rule = entries.dispute_withdrawn if is_withdrawal else entries.dispute_reinstated
        adopt_movement(session, movement, rule(dispute, movement))
    status = _status_of(seen)
    if dispute.status in _CLOSED and status not in _CLOSED:
        return  # fetched before what another has taken in since
    if dispute.status is DisputeStatus.LOST and status is not DisputeStatus.LOST:
        unbook_loss(session, dispute, context=context)
    _record_amount(session, dispute, campaign, seen)
    if status is not dispute.status:
        dispute.status = status
        dispute.closed_at = context.now if status in _CLOSED else None
    if status is DisputeStatus.OPENED:
        cancel_unsent_refunds(session, payment, context=context)
    share_disputes(session, payment, context=context)
    correct_documents(session, campaign, context=context)
    if status in _CLOSED:
        _go_on(session, payment, campaign, context=context)


def _find_or_add(session: Session, payment: Payment, seen: DisputeFact) -> Dispute:
    known = session.scalars(
        sa.select(Dispute).where(Dispute.stripe_dispute_id == seen.id).with_for_update()
    ).one_or_none()
    if known is not None:
        return known
    is_inquiry = seen.status.startswith("warning_")
    dispute = Dispute(
        stripe_dispute_id=seen.id,
        payment=payment,
        campaign_id=payment.campaign_id,
        amount=seen.amount,
        currency=seen.currency,
        reason=seen.reason[:60],
        status=DisputeStatus.INQUIRY if is_inquiry else DisputeStatus.OPENED,
        withdrawn_amount=0,
        opened_at=seen.created_at,
    )
    session.add(dispute)
    session.flush()
    return dispute


def _record_amount(
    session: Session, dispute: Dispute, campaign: Campaign, seen: DisputeFact
) -> None:
    """Record what the bank contests and holds now, and when it first took it."""
    dispute.amount = seen.amount
    withdrawn = max(-sum(movement.amount for movement in seen.movements), 0)
    if withdrawn and dispute.stage is None:
        dispute.stage = _stage_of(session, campaign)
    if withdrawn != dispute.withdrawn_amount:
        dispute.hold(withdrawn)


def _stage_of(session: Session, campaign: Campaign) -> DisputeStage:
    sent = sa.select(Transfer.id).where(
        Transfer.campaign_id == campaign.id,
        Transfer.status.in_((TransferStatus.SUCCEEDED, TransferStatus.REVERSED)),
    )
    is_owner_paid = session.scalar(sent.limit(1)) is not None
    return stage_of_dispute(campaign.outcome, is_owner_paid=is_owner_paid)


def _status_of(seen: DisputeFact) -> DisputeStatus:
    if seen.status == "warning_closed":
        return DisputeStatus.CLOSED
    if seen.status.startswith("warning_"):
        return DisputeStatus.INQUIRY
    return {"won": DisputeStatus.WON, "lost": DisputeStatus.LOST}.get(
        seen.status, DisputeStatus.OPENED
    )


def _go_on(session: Session, payment: Payment, campaign: Campaign, *, context: Context) -> None:
    """Once a bank has judged, give back what waited for that."""
    if payment.refundable_amount == 0:
        return
    reason = reason_after_dispute(is_late=payment.is_late, pledge_status=payment.pledge.status)
    if reason is not None:
        refund_rest(session, payment, reason=reason, context=context)
    elif campaign.outcome in {Outcome.FAILED, Outcome.CANCELED}:
        why = f"{payment.public_id} is no longer disputed"
        reopen_settling(session, campaign, reason=why, at=context.now)
