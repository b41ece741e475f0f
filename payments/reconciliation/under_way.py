"""What else is known of a Stripe object: a call on its way, the campaign it belongs to."""

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from campaigns.models import Campaign
from payments.models import (
    OPEN_ATTEMPTS,
    Attempt,
    AttemptKind,
    Dispute,
    Payment,
    Refund,
    Transfer,
    TransferReversal,
)
from payments.reconciliation.mirror import CHARGES, DISPUTES, REFUNDS, TRANSFERS


def is_under_way(subject: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a call about this subject has not been answered yet."""
    attempt = aliased(Attempt)
    return sa.exists().where(attempt.subject == subject, attempt.status.in_(OPEN_ATTEMPTS))


def is_movement_under_way(
    source: sa.ColumnElement[str], type_: sa.ColumnElement[str]
) -> sa.ColumnElement[bool]:
    """Return the condition that what moved is the effect of a call not answered yet.

    Reversals are in no list of their own, so any call for one may have made this.
    """
    charge, refund, transfer = (table.alias() for table in (CHARGES, REFUNDS, TRANSFERS))
    attempt = aliased(Attempt)
    is_reversing = sa.exists().where(
        attempt.kind == AttemptKind.REVERSAL_CREATE, attempt.status.in_(OPEN_ATTEMPTS)
    )
    return sa.or_(
        sa.exists().where(charge.c.id == source, is_under_way(charge.c.subject)),
        sa.exists().where(refund.c.id == source, is_under_way(refund.c.subject)),
        sa.exists().where(transfer.c.id == source, is_under_way(transfer.c.subject)),
        sa.and_(type_ == "transfer_refund", is_reversing),
    )


def find_campaign(session: Session, stripe_id: str | None) -> int | None:
    """Find the campaign of a Stripe object, by our rows or by what Stripe keeps with it."""
    if stripe_id is None:
        return None
    behind = _charge_behind(stripe_id)
    known = (
        sa.select(Payment.campaign_id).where(Payment.stripe_charge_id.in_(behind)),
        sa.select(Refund.campaign_id).where(Refund.stripe_refund_id == stripe_id),
        sa.select(Transfer.campaign_id).where(Transfer.stripe_transfer_id == stripe_id),
        sa.select(TransferReversal.campaign_id).where(
            TransferReversal.stripe_reversal_id == stripe_id
        ),
        sa.select(Dispute.campaign_id).where(Dispute.stripe_dispute_id == stripe_id),
        sa.select(Campaign.id)
        .join(CHARGES, CHARGES.c.campaign == Campaign.public_id)
        .where(CHARGES.c.id.in_(behind)),
        sa.select(Campaign.id)
        .join(TRANSFERS, TRANSFERS.c.transfer_group == Campaign.public_id)
        .where(TRANSFERS.c.id == stripe_id),
    )
    return session.scalar(sa.union_all(*known).limit(1))


def _charge_behind(stripe_id: str) -> sa.CompoundSelect[str]:
    """Select the charge that an object is, or is about."""
    return sa.union_all(
        sa.select(sa.literal(stripe_id)),
        sa.select(REFUNDS.c.charge).where(REFUNDS.c.id == stripe_id),
        sa.select(DISPUTES.c.charge).where(DISPUTES.c.id == stripe_id),
    )
