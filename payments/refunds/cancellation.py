"""Take back refunds of which Stripe moved nothing, so that no money is both refunded and lost."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from payments.context import Context
from payments.documents.counted import recounting
from payments.gateway.attempts import withdraw
from payments.models import AttemptKind, Payment, Refund, RefundReason, RefundStatus

DISPUTED = "disputed"


def cancel_refund(session: Session, refund: Refund, *, context: Context) -> None:
    """Take back a refund that never was: its money is the payment's again.

    One that tried again what had failed before leaves its money owed to the backer.
    """
    if refund.reason is RefundReason.TRIED_AGAIN:
        refund.advance_to(RefundStatus.FAILED, at=context.now)
        refund.failure_reason = DISPUTED
        return
    refund.advance_to(RefundStatus.CANCELED, at=context.now)
    payment = refund.payment
    with recounting(session, payment):
        payment.refunded_amount -= refund.amount
        payment.refunded_tip_amount -= refund.tip_amount


def cancel_unsent_refunds(session: Session, payment: Payment, *, context: Context) -> list[Refund]:
    """Take back the refunds of a payment whose call was never sent, or was refused for good."""
    waiting = session.scalars(
        sa.select(Refund)
        .where(
            Refund.payment_id == payment.id,
            Refund.status == RefundStatus.PENDING,
            Refund.stripe_refund_id.is_(None),
        )
        .order_by(Refund.id)
        .with_for_update(of=Refund)
        .execution_options(populate_existing=True)
    ).all()
    kind = AttemptKind.REFUND_CREATE
    unsent = [
        one
        for one in waiting
        if withdraw(session, kind=kind, subject=one.public_id, at=context.machine_now)
    ]
    for refund in unsent:
        cancel_refund(session, refund, context=context)
    session.flush()
    return unsent
