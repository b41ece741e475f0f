"""Take in what Stripe says of a payment, whether by answer, webhook, poll or return page.

Locks are taken in one order by everybody: pledges by id, then payments, then the campaign.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Pledge
from campaigns.services.pledge_life import (
    CannotActivateError,
    RewardGoneError,
    activate_pledge,
    expire_pledge,
)
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from payments.gateway.client import Gateway
from payments.gateway.facts import ChargeFact, CheckoutFact, IntentFact
from payments.ledger import rules
from payments.ledger.posting import adopt_movement
from payments.models import Payment, PaymentStatus, RefundReason
from payments.services.occasion import Occasion
from payments.services.refunds import refund_rest

_STATUSES: Final = {
    "processing": PaymentStatus.PROCESSING,
    "requires_action": PaymentStatus.REQUIRES_ACTION,
    "canceled": PaymentStatus.CANCELED,
}


def refresh_payment(payment_id: str, *, gateway: Gateway, settings: Settings, clock: Clock) -> None:
    """Fetch how a payment stands at Stripe and take it in; asking twice changes nothing.

    Raises ``StripeAwayError`` when Stripe does not answer.
    """
    with reading() as session:
        session_id = session.scalar(
            sa.select(Payment.stripe_checkout_session_id).where(Payment.public_id == payment_id)
        )
    if session_id is None:
        return
    seen = gateway.get_checkout(session_id)
    with transaction() as session:
        payment = lock_payment(session, public_id=payment_id)
        record_checkout(session, payment, seen, occasion=Occasion.now(settings, clock))


def lock_payment(session: Session, **by: object) -> Payment:
    """Lock a payment and, before it, its pledge, so that nobody waits in a circle."""
    which = sa.select(Payment.id, Payment.pledge_id).filter_by(**by)
    payment_id, pledge_id = session.execute(which).one()
    lock(session, Pledge, id=pledge_id)
    return lock(session, Payment, id=payment_id)


def record_checkout(
    session: Session, payment: Payment, seen: CheckoutFact, *, occasion: Occasion
) -> None:
    """Take in a Checkout Session; the intent inside says whether money came."""
    payment.stripe_checkout_session_id = seen.id
    payment.checkout_url = seen.url or payment.checkout_url
    payment.checkout_expires_at = seen.expires_at
    payment.checked_at = occasion.machine
    if seen.intent is not None:
        record_intent(session, payment, seen.intent, occasion=occasion)
    if seen.status == "expired":
        payment.advance_to(PaymentStatus.CANCELED)  # or was, when its intent said so first
        expire_pledge(session, pledge=payment.pledge, at=occasion.at)


def record_intent(
    session: Session, payment: Payment, seen: IntentFact, *, occasion: Occasion
) -> None:
    """Take in a PaymentIntent; a declined card leaves the checkout open for another."""
    payment.stripe_payment_intent_id = seen.id
    if seen.status == "succeeded" and seen.charge is not None:
        record_charge(session, payment, seen.charge, occasion=occasion)
    elif status := _STATUSES.get(seen.status):
        payment.advance_to(status)


def record_charge(
    session: Session, payment: Payment, seen: ChargeFact, *, occasion: Occasion
) -> None:
    """Take in a successful charge: post its movement, and count the pledge or give it back.

    It counts when Stripe's ``created`` is before the deadline, in whole seconds, whenever we
    learn of it. Handled twice it changes nothing.
    """
    campaign = lock(session, Campaign, id=payment.campaign_id)
    if payment.status is not PaymentStatus.SUCCEEDED:
        payment.stripe_charge_id = seen.id
        payment.charged_at = seen.created_at
        payment.is_late = campaign.deadline_at is None or seen.created_at >= campaign.deadline_at
        payment.advance_to(PaymentStatus.SUCCEEDED)
        _count_or_give_back(session, payment, occasion=occasion)
    if seen.movement is not None:
        draft = rules.charge(payment, seen.movement)
        if adopt_movement(session, seen.movement, draft):
            payment.processor_fee_amount = seen.movement.fee
            payment.available_at = seen.movement.available_at


def _count_or_give_back(session: Session, payment: Payment, *, occasion: Occasion) -> None:
    reason = None
    if payment.is_late:
        reason = RefundReason.TOO_LATE
    else:
        try:
            activate_pledge(session, pledge=payment.pledge, at=occasion.at)
        except RewardGoneError:
            reason = RefundReason.SOLD_OUT
        except CannotActivateError:
            reason = RefundReason.BACKER_CANCELED
    if reason is not None:
        expire_pledge(session, pledge=payment.pledge, at=occasion.at)
        session.flush()
        refund_rest(session, payment, reason=reason, occasion=occasion)
