"""Rules between pledges, their payments and what campaigns count of them."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Collection, Pledge, PledgeStatus
from payments.ledger.faults import Fault
from payments.ledger.models import StripeMovement
from payments.models import Payment, PaymentStatus

_PAID_FOR = (PledgeStatus.ACTIVE, PledgeStatus.COLLECTED)


def check_counted(session: Session) -> Iterator[Fault]:
    """Count of a campaign, until the verdict, its active pledges."""
    is_active = sa.and_(Pledge.campaign_id == Campaign.id, Pledge.status == PledgeStatus.ACTIVE)
    amount = sa.func.coalesce(sa.func.sum(Pledge.amount), 0)
    backers = sa.func.count(Pledge.id)
    found = session.execute(
        sa.select(
            Campaign.id,
            Campaign.public_id,
            Campaign.pledged_amount,
            Campaign.backers_count,
            amount,
            backers,
        )
        .outerjoin(Pledge, is_active)
        .where(Campaign.launched_at.is_not(None), Campaign.outcome.is_(None))
        .group_by(Campaign.id)
        .having(sa.or_(Campaign.pledged_amount != amount, Campaign.backers_count != backers))
    )
    for campaign_id, public_id, pledged, counted, amount_of_all, number in found:
        what = f"counts {pledged} of {counted} backers, has {amount_of_all} of {number}"
        yield Fault("counted", public_id, what, campaign_id)


def check_paid(session: Session) -> Iterator[Fault]:
    """Have one payment, of the pledge's own amounts, for what counts as paid on the spot."""
    is_counted = sa.and_(
        Payment.pledge_id == Pledge.id,
        Payment.status == PaymentStatus.SUCCEEDED,
        ~Payment.is_late,
    )
    found = session.execute(
        sa.select(Pledge.public_id, Pledge.campaign_id, Payment.public_id)
        .join(Campaign, Campaign.id == Pledge.campaign_id)
        .outerjoin(Payment, is_counted)
        .where(
            Pledge.status.in_(_PAID_FOR),
            Campaign.collection == Collection.ON_PLEDGE,
            sa.or_(
                Payment.id.is_(None),
                Payment.amount != Pledge.amount,
                Payment.tip_amount != Pledge.tip_amount,
                Payment.currency != Pledge.currency,
                Payment.campaign_id != Pledge.campaign_id,
            ),
        )
    )
    for public_id, campaign_id, payment_id in found:
        what = f"is not what {payment_id} paid" if payment_id else "is not paid"
        yield Fault("paid", public_id, what, campaign_id)


def check_fees(session: Session) -> Iterator[Fault]:
    """Say of a payment's fee, and of when its money is available, what Stripe says."""
    found = session.execute(
        sa.select(Payment.public_id, Payment.campaign_id)
        .join(StripeMovement, StripeMovement.source == Payment.stripe_charge_id)
        .where(
            sa.or_(
                StripeMovement.fee != Payment.processor_fee_amount,
                StripeMovement.available_at.is_distinct_from(Payment.available_at),
            )
        )
    )
    for public_id, campaign_id in found:
        yield Fault("fees", public_id, "has another fee or date than its movement", campaign_id)
