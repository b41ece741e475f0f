"""See every page that is open for a campaign to its end: no verdict falls while one is."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from payments.charges.record import refresh_payment
from payments.charges.saved_cards import refresh_card
from payments.checkout.sessions import Subject, expire_checkout
from payments.context import Context
from payments.gateway.client import Gateway
from payments.models import (
    UNDER_WAY,
    Attempt,
    AttemptKind,
    AttemptStatus,
    CardStatus,
    Payment,
    SavedCard,
)


def resolve_open(campaign_id: int, *, gateway: Gateway, settings: Settings, clock: Clock) -> int:
    """Expire every open page, fetch what became of it; return how much is left unresolved.

    Under the campaign's lock, as a backer cancels: a page is asked to close once.
    """
    with transaction() as session:
        lock(session, Campaign, id=campaign_id)
        context = Context.read(settings, clock)
        unresolved = list_unresolved(session, campaign_id)
        for subject in unresolved:
            if subject.stripe_checkout_session_id is not None:
                expire_checkout(session, subject, context=context)
        closed = [subject for subject in unresolved if _is_expiry_done(session, subject)]
    for subject in closed:
        refresh = refresh_payment if isinstance(subject, Payment) else refresh_card
        refresh(subject.public_id, gateway=gateway, settings=settings, clock=clock)
    with reading() as session:
        return len(list_unresolved(session, campaign_id))


def list_unresolved(session: Session, campaign_id: int) -> Sequence[Subject]:
    """Return the payments under way and the cards not saved yet."""
    payments = sa.select(Payment).where(
        Payment.campaign_id == campaign_id, Payment.status.in_(UNDER_WAY)
    )
    cards = sa.select(SavedCard).where(
        SavedCard.campaign_id == campaign_id, SavedCard.status == CardStatus.PENDING
    )
    return [
        *session.scalars(payments.order_by(Payment.id)),
        *session.scalars(cards.order_by(SavedCard.id)),
    ]


def _is_expiry_done(session: Session, subject: Subject) -> bool:
    """Tell whether Stripe has answered, be it with a no: the page also ends by itself."""
    closed = session.scalar(
        sa.select(Attempt.id)
        .where(
            Attempt.kind == AttemptKind.CHECKOUT_EXPIRE,
            Attempt.subject == subject.public_id,
            Attempt.status.in_((AttemptStatus.DONE, AttemptStatus.FAILED)),
        )
        .limit(1)
    )
    return closed is not None
