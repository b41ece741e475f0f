"""Take in what Stripe says of a card being saved, and have it forgotten when it is over."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Pledge
from campaigns.pledges.mails import tell_released
from campaigns.pledges.transitions import (
    CannotActivateError,
    activate_pledge,
    expire_pledge,
)
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from payments.context import Context
from payments.gateway.attempts import plan_attempt
from payments.gateway.client import Gateway
from payments.gateway.facts import CheckoutFact, SetupFact
from payments.models import Attempt, AttemptKind, CardStatus, SavedCard
from payments.settings import StripeSettings


def refresh_card(card_id: str, *, gateway: Gateway, settings: Settings, clock: Clock) -> None:
    """Fetch how the saving of a card stands and take it in; asking twice changes nothing.

    Raises ``StripeAwayError`` when Stripe does not answer.
    """
    with reading() as session:
        session_id = session.scalar(
            sa.select(SavedCard.stripe_checkout_session_id).where(SavedCard.public_id == card_id)
        )
    if session_id is None:
        return
    seen = gateway.get_checkout(session_id)
    with transaction() as session:
        card = lock_card(session, public_id=card_id)
        record_card(session, card, seen, context=Context.read(settings, clock))


def lock_card(session: Session, **by: object) -> SavedCard:
    """Lock a card and, before it, its pledge, so that nobody waits in a circle."""
    pledge_id = session.execute(sa.select(SavedCard.pledge_id).filter_by(**by)).scalar_one()
    lock(session, Pledge, id=pledge_id)
    return lock(session, SavedCard, pledge_id=pledge_id)


def record_card(session: Session, card: SavedCard, seen: CheckoutFact, *, context: Context) -> None:
    """Take in the page on which a card is saved; the setup inside says whether it was."""
    card.stripe_checkout_session_id = seen.id
    card.checkout_url = seen.url or card.checkout_url
    card.checkout_expires_at = seen.expires_at
    card.checked_at = context.machine_now
    if seen.setup is not None and seen.setup.status == "succeeded":
        _record_saved(session, card, seen.setup, context=context)
    elif seen.status == "expired" and card.advance_to(CardStatus.EXPIRED):
        expire_pledge(session, pledge=card.pledge, at=context.now)


def _record_saved(session: Session, card: SavedCard, seen: SetupFact, *, context: Context) -> None:
    """Keep the references of a card, and count its pledge: nothing is charged, nothing booked.

    It counts when it is recorded before closing began, which the campaign's lock decides: Stripe
    dates the making of a SetupIntent, not its success. One that does not count is forgotten.
    """
    if card.status in {CardStatus.SAVED, CardStatus.FORGOTTEN} or seen.card is None:
        return
    lock(session, Campaign, id=card.campaign_id)
    card.stripe_setup_intent_id = seen.id
    card.stripe_customer_id = seen.customer_id
    card.stripe_payment_method_id = seen.card.id
    card.brand = seen.card.brand[:24]
    card.last4 = seen.card.last4[:4]
    card.saved_at = context.now
    card.advance_to(CardStatus.SAVED)
    try:
        activate_pledge(session, pledge=card.pledge, at=context.now)
    except CannotActivateError:
        expire_pledge(session, pledge=card.pledge, at=context.now)
        tell_released(session, pledge=card.pledge, at=context.now)
        forget_card(session, card, context=context)


def forget_card(session: Session, card: SavedCard, *, context: Context) -> None:
    """Have Stripe take a card away from its customer, so that it can never be charged again."""
    if card.status is not CardStatus.SAVED:
        return
    known = session.scalar(
        sa.select(Attempt.id).where(
            Attempt.kind == AttemptKind.CARD_DETACH, Attempt.subject == card.public_id
        )
    )
    if known is None:
        plan_attempt(
            session,
            installation=context.settings.of(StripeSettings).installation,
            kind=AttemptKind.CARD_DETACH,
            subject=card.public_id,
            parameters={"card": card.stripe_payment_method_id},
            at=context.machine_now,
            campaign_id=card.campaign_id,
        )
