"""Take in what Stripe says of a payment, whether by answer, webhook, poll or return page.

Locks are taken in one order by everybody: pledges by id, then payments, then the campaign.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus, Collection, Pledge, PledgeStatus
from campaigns.pledges.mails import tell_charged
from campaigns.pledges.transitions import (
    CannotActivateError,
    RewardGoneError,
    activate_pledge,
    expire_pledge,
)
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from payments.accounting import entries
from payments.charges.off_session import record_decline
from payments.charges.saved_cards import refresh_card
from payments.context import Context
from payments.gateway.client import Gateway
from payments.gateway.facts import ChargeFact, CheckoutFact, IntentFact
from payments.ledger.posting import adopt_movement
from payments.models import UNDER_WAY, CardStatus, Payment, PaymentStatus, RefundReason, SavedCard
from payments.models.locks import lock_payment
from payments.policy import reason_not_counted
from payments.refunds.requests import refund_rest

_STATUSES: Final = {
    "processing": PaymentStatus.PROCESSING,
    "requires_action": PaymentStatus.REQUIRES_ACTION,
    "canceled": PaymentStatus.CANCELED,
}
_NEEDS_ITS_HOLDER: Final = frozenset({"requires_payment_method", "requires_action"})


def refresh_payment(payment_id: str, *, gateway: Gateway, settings: Settings, clock: Clock) -> None:
    """Fetch how a payment stands at Stripe and take it in; asking twice changes nothing.

    Raises ``StripeAwayError`` when Stripe does not answer.
    """
    with reading() as session:
        session_id, intent_id = session.execute(
            sa.select(Payment.stripe_checkout_session_id, Payment.stripe_payment_intent_id).where(
                Payment.public_id == payment_id
            )
        ).one()
    if session_id is not None:
        seen: CheckoutFact | IntentFact = gateway.get_checkout(session_id)
    elif intent_id is not None:
        seen = gateway.get_intent(intent_id)
    else:
        return
    with transaction() as session:
        payment = lock_payment(session, public_id=payment_id)
        context = Context.read(settings, clock)
        if isinstance(seen, CheckoutFact):
            record_checkout(session, payment, seen, context=context)
        else:
            record_intent(session, payment, seen, context=context)


def refresh_pledge(pledge_id: str, *, gateway: Gateway, settings: Settings, clock: Clock) -> None:
    """Fetch all that is not resolved of one pledge: its card, its payment."""
    with reading() as session:
        of_pledge = sa.select(Pledge.id).where(Pledge.public_id == pledge_id).scalar_subquery()
        cards = session.scalars(
            sa.select(SavedCard.public_id).where(
                SavedCard.pledge_id == of_pledge, SavedCard.status == CardStatus.PENDING
            )
        ).all()
        payments = session.scalars(
            sa.select(Payment.public_id).where(
                Payment.pledge_id == of_pledge, Payment.status.in_(UNDER_WAY)
            )
        ).all()
    for card_id in cards:
        refresh_card(card_id, gateway=gateway, settings=settings, clock=clock)
    for payment_id in payments:
        refresh_payment(payment_id, gateway=gateway, settings=settings, clock=clock)


def record_checkout(
    session: Session, payment: Payment, seen: CheckoutFact, *, context: Context
) -> None:
    """Take in a Checkout Session; the intent inside says whether money came."""
    payment.stripe_checkout_session_id = seen.id
    payment.checkout_url = seen.url or payment.checkout_url
    payment.checkout_expires_at = seen.expires_at
    payment.checked_at = context.machine_now
    if seen.intent is not None:
        record_intent(session, payment, seen.intent, context=context)
    if seen.status == "expired":
        payment.advance_to(PaymentStatus.CANCELED)  # or was, when its intent said so first
        expire_pledge(session, pledge=payment.pledge, at=context.now)


def record_intent(
    session: Session, payment: Payment, seen: IntentFact, *, context: Context
) -> None:
    """Take in a PaymentIntent.

    A declined card leaves a checkout open for another; a saved one has had its one try.
    """
    payment.stripe_payment_intent_id = seen.id
    if seen.status == "succeeded" and seen.charge is not None:
        record_charge(session, payment, seen.charge, context=context)
    elif payment.is_off_session and seen.status in _NEEDS_ITS_HOLDER and seen.failure_code:
        record_decline(session, payment, code=seen.failure_code, context=context)
    elif status := _STATUSES.get(seen.status):
        payment.advance_to(status)


def record_charge(
    session: Session, payment: Payment, seen: ChargeFact, *, context: Context
) -> None:
    """Take in a successful charge: post its movement, and count the pledge or give it back.

    Whether it counts is ``policy.reason_not_counted``'s to say, whenever we learn of it.
    Handled twice it changes nothing.
    """
    campaign = lock(session, Campaign, id=payment.campaign_id)
    if payment.status is not PaymentStatus.SUCCEEDED:
        payment.stripe_charge_id = seen.id
        payment.stripe_payment_intent_id = seen.payment_intent_id
        payment.charged_at = seen.created_at
        reason = _reason_not_counted(session, payment, campaign)
        payment.is_late = reason is not None
        payment.advance_to(PaymentStatus.SUCCEEDED)
        reason = reason or _count(session, payment, context=context)
        if reason is not None:
            expire_pledge(session, pledge=payment.pledge, at=context.now)
            session.flush()
            refund_rest(session, payment, reason=reason, context=context)
    if seen.movement is not None:
        draft = entries.charge(payment, seen.movement)
        if adopt_movement(session, seen.movement, draft):
            payment.processor_fee_amount = seen.movement.fee
            payment.available_at = seen.movement.available_at


def _reason_not_counted(
    session: Session, payment: Payment, campaign: Campaign
) -> RefundReason | None:
    assert payment.charged_at is not None
    counted = sa.select(Payment.id).where(
        Payment.pledge_id == payment.pledge_id, Payment.is_counted
    )
    is_awaited = (
        campaign.status is CampaignStatus.COLLECTING
        and payment.pledge.status is PledgeStatus.ACTIVE
    )
    return reason_not_counted(
        collection=campaign.collection,
        charged_at=payment.charged_at,
        deadline_at=campaign.deadline_at,
        is_awaited=is_awaited,
        is_paid=session.scalar(counted) is not None,
    )


def _count(session: Session, payment: Payment, *, context: Context) -> RefundReason | None:
    """Count the pledge, and say so to its backer; or return why its money must go back."""
    if payment.campaign.collection is Collection.ON_SUCCESS:
        tell_charged(session, pledge=payment.pledge, at=context.now)
        return None
    try:
        activate_pledge(session, pledge=payment.pledge, at=context.now)
    except RewardGoneError:
        return RefundReason.SOLD_OUT
    except CannotActivateError:
        return RefundReason.BACKER_CANCELED
    return None
