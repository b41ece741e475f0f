"""Take in disputes: a backer's bank contests a payment."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Outcome
from campaigns.services.pledge_life import mark_refunded
from octo.database import lock
from payments.gateway.facts import DisputeFact
from payments.ledger import rules
from payments.ledger.posting import adopt_movement, post
from payments.models import (
    Dispute,
    DisputeStatus,
    LedgerTransaction,
    Payment,
    TransactionKind,
)
from payments.services.occasion import Occasion

_CLOSED: Final = frozenset({DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.CLOSED})


def record_dispute(
    session: Session, payment: Payment, seen: DisputeFact, *, occasion: Occasion
) -> None:
    """Take in what Stripe says of a dispute; the caller holds the payment's lock.

    An inquiry (``warning_*``) takes no money. Amounts and fees are Stripe's own, movement by
    movement, and may differ from the charge's.
    """
    campaign = lock(session, Campaign, id=payment.campaign_id)
    dispute = _find_or_add(session, payment, seen)
    withdrawn = 0
    for movement in seen.movements:
        is_withdrawal = movement.amount < 0
        rule = rules.dispute_withdrawn if is_withdrawal else rules.dispute_reinstated
        adopt_movement(session, movement, rule(dispute, movement))
        withdrawn -= movement.amount
    status = _status_of(seen)
    if dispute.status in _CLOSED and status not in _CLOSED:
        return  # fetched before what another has taken in since
    payment.disputed_amount = min(max(withdrawn, 0), payment.total_amount - payment.refunded_amount)
    if dispute.status in _CLOSED or dispute.status is status:
        return
    dispute.status = status
    if status in _CLOSED:
        dispute.closed_at = occasion.at
    if status is DisputeStatus.LOST and withdrawn > 0:
        draft = rules.dispute_lost(
            dispute,
            amount=withdrawn,
            tip_amount=max(withdrawn - payment.amount, 0),
            is_paid_out=_is_in_document(session, seen, campaign),
            at=occasion.at,
        )
        post(session, draft)
        if payment.refundable_amount == 0 and campaign.outcome is not Outcome.SUCCEEDED:
            mark_refunded(session, pledge=payment.pledge, at=occasion.at)


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
        opened_at=seen.created_at,
    )
    session.add(dispute)
    session.flush()
    return dispute


def _status_of(seen: DisputeFact) -> DisputeStatus:
    if seen.status == "warning_closed":
        return DisputeStatus.CLOSED
    if seen.status.startswith("warning_"):
        return DisputeStatus.INQUIRY
    return {"won": DisputeStatus.WON, "lost": DisputeStatus.LOST}.get(
        seen.status, DisputeStatus.OPENED
    )


def _is_in_document(session: Session, seen: DisputeFact, campaign: Campaign) -> bool:
    """Tell whether the owner was due this money: withdrawn after the document, not before.

    What was withdrawn before has left the base already; the campaign's lock orders the two.
    """
    references = [
        f"dispute_withdrawn:{one.stripe_balance_transaction_id}" for one in seen.movements
    ]
    withdrawn_at = (
        sa.select(sa.func.min(LedgerTransaction.id))
        .where(LedgerTransaction.reference.in_(references))
        .scalar_subquery()
    )
    document = sa.select(LedgerTransaction.id).where(
        LedgerTransaction.campaign_id == campaign.id,
        LedgerTransaction.kind == TransactionKind.SETTLEMENT,
        LedgerTransaction.id < withdrawn_at,
    )
    return session.scalar(document.limit(1)) is not None
