"""Rules between pledges, their payments and what campaigns count of them."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus, Collection, Pledge, PledgeStatus
from campaigns.policy.counting import what_counts
from octo.database import sum_or_zero
from payments.ledger.faults import Fault
from payments.ledger.models import StripeMovement
from payments.models import Payment

_PAID_FOR = (PledgeStatus.ACTIVE, PledgeStatus.COLLECTED)
_PAYS = sa.and_(Payment.pledge_id == Pledge.id, Payment.is_counted)


def check_counted(session: Session) -> Iterator[Fault]:
    """Have a campaign count, until its last verdict, what counts of its active pledges."""
    is_active = sa.and_(Pledge.campaign_id == Campaign.id, Pledge.status == PledgeStatus.ACTIVE)
    is_counted = sa.or_(Campaign.outcome.is_(None), Campaign.status == CampaignStatus.COLLECTING)
    found = session.execute(
        sa.select(
            Campaign.id,
            Campaign.public_id,
            Campaign.pledged_amount,
            Campaign.backers_count,
            sa.func.count(Pledge.id),
            sum_or_zero(Pledge.amount),
            sum_or_zero(Payment.refunded_funds_amount),
            sum_or_zero(Payment.disputed_funds_amount),
        )
        .outerjoin(Pledge, is_active)
        .outerjoin(Payment, _PAYS)
        .where(Campaign.launched_at.is_not(None), is_counted)
        .group_by(Campaign.id)
    )
    for campaign_id, public_id, counted, backers, number, pledged, refunded, withdrawn in found:
        amount = what_counts(pledged=int(pledged), refunded=int(refunded), withdrawn=int(withdrawn))
        if (counted, backers) != (amount, number):
            what = f"counts {counted} of {backers} backers, has {amount} of {number}"
            yield Fault("counted", public_id, what, campaign_id)


def check_paid(session: Session) -> Iterator[Fault]:
    """Have one payment, of the pledge's own amounts, for what counts as paid on the spot."""
    found = session.execute(
        sa.select(Pledge.public_id, Pledge.campaign_id, Payment.public_id)
        .join(Campaign, Campaign.id == Pledge.campaign_id)
        .outerjoin(Payment, _PAYS)
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
