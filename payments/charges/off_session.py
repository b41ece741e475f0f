"""Charge saved cards while their holders are away: an intent is made, kept, then confirmed.

Two calls, each with a key of its own committed before it: so the money is asked for only once
the intent it comes by is known here, and what became of it can always be looked up.
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Pledge
from campaigns.pledges.mails import mail_link
from octo.ids import new_public_id
from payments.checkout.parameters import our_ids
from payments.context import Context
from payments.gateway.attempts import plan_attempt
from payments.models import (
    OPEN_ATTEMPTS,
    UNDER_WAY,
    Attempt,
    AttemptKind,
    Payment,
    PaymentStatus,
    SavedCard,
)
from payments.policy import is_repair_open
from payments.settings import StripeSettings

CARD_IS_GONE: Final = frozenset({"resource_missing", "payment_method_unexpected_state"})
"""Stripe's codes for a card that was taken away there, by a person or by its bank."""

UNUSABLE: Final = "card_unusable"


def charge_card(session: Session, card: SavedCard, *, context: Context) -> Payment:
    """Decide to charge a saved card for its pledge, tip included; the engine does it.

    The caller holds the pledge's lock. Each card is charged once: what is declined is repaired
    by its holder.
    """
    pledge = card.pledge
    payment = Payment(
        public_id=new_public_id("pay"),
        pledge=pledge,
        campaign_id=pledge.campaign_id,
        amount=pledge.amount,
        tip_amount=pledge.tip_amount,
        currency=pledge.currency,
        stripe_setup_intent_id=card.stripe_setup_intent_id,
        created_at=context.now,
    )
    session.add(payment)
    _plan_creation(session, payment, card, context=context)
    return payment


def confirm_intent(
    session: Session, payment: Payment, *, context: Context, action_number: int = 1
) -> None:
    """Plan the call that takes the money, in the commit that keeps the intent's id."""
    if payment.is_resolved:
        return
    _plan(
        session,
        payment,
        AttemptKind.INTENT_CONFIRM,
        {"intent": payment.stripe_payment_intent_id, "off_session": True},
        context=context,
        action_number=action_number,
    )


def record_decline(session: Session, payment: Payment, *, code: str, context: Context) -> None:
    """Take in that a saved card was declined: its intent is ended, its holder is asked to pay.

    Heard of twice, it changes nothing.
    """
    if not payment.advance_to(PaymentStatus.FAILED):
        return
    payment.failure_code = code[:60]
    if payment.stripe_payment_intent_id is not None:
        parameters = {
            "intent": payment.stripe_payment_intent_id,
            "cancellation_reason": "abandoned",
        }
        _plan(session, payment, AttemptKind.INTENT_CANCEL, parameters, context=context)
    campaign = payment.campaign
    session.refresh(campaign, ["status", "collecting_ends_at"])
    pledge = payment.pledge
    if is_repair_open(
        pledge.status, campaign.status, ends_at=campaign.collecting_ends_at, at=context.now
    ):
        ask_to_repair(session, pledge, campaign, template="payment_problem", context=context)


def ask_to_repair(
    session: Session, pledge: Pledge, campaign: Campaign, *, template: str, context: Context
) -> None:
    """Write to a backer whose card was declined, with a link of their own to where to pay."""
    assert campaign.collecting_ends_at is not None
    mail_link(
        session,
        pledge,
        template=template,
        at=context.now,
        repair_until=campaign.collecting_ends_at.isoformat(),
    )


def ask_again(session: Session, campaign: Campaign, *, context: Context) -> None:
    """Plan once more the calls that Stripe refused and a person has looked at since."""
    is_asked = sa.exists().where(
        Attempt.subject == Payment.public_id, Attempt.status.in_(OPEN_ATTEMPTS)
    )
    left = session.execute(
        sa.select(Payment, SavedCard)
        .join(SavedCard, SavedCard.stripe_setup_intent_id == Payment.stripe_setup_intent_id)
        .where(Payment.campaign_id == campaign.id, Payment.status.in_(UNDER_WAY), ~is_asked)
        .order_by(Payment.id)
    ).all()
    for payment, card in left:
        asked = sa.select(sa.func.count()).where(Attempt.subject == payment.public_id)
        number = (session.scalar(asked) or 0) + 1
        if payment.stripe_payment_intent_id is None:
            _plan_creation(session, payment, card, context=context, action_number=number)
        else:
            confirm_intent(session, payment, context=context, action_number=number)


def _plan_creation(
    session: Session,
    payment: Payment,
    card: SavedCard,
    *,
    context: Context,
    action_number: int = 1,
) -> None:
    pledge = payment.pledge
    ids = our_ids(pledge, settings=context.settings) | {"octo_payment": payment.public_id}
    parameters = {
        "amount": payment.total_amount,
        "currency": payment.currency.lower(),
        "customer": card.stripe_customer_id,
        "payment_method": card.stripe_payment_method_id,
        "allowed_payment_method_types": ["card"],
        "transfer_group": pledge.campaign.public_id,
        "metadata": ids,
    }
    _plan(
        session,
        payment,
        AttemptKind.INTENT_CREATE,
        parameters,
        context=context,
        action_number=action_number,
    )


def _plan(
    session: Session,
    payment: Payment,
    kind: AttemptKind,
    parameters: dict[str, Any],
    *,
    context: Context,
    action_number: int = 1,
) -> None:
    plan_attempt(
        session,
        installation=context.settings.of(StripeSettings).installation,
        kind=kind,
        subject=payment.public_id,
        parameters=parameters,
        at=context.machine_now,
        campaign_id=payment.campaign_id,
        action_number=action_number,
    )
