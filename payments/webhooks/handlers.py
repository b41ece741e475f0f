"""What each event of Stripe's makes us fetch; a handler returns whether we know the object."""

from collections.abc import Callable
from typing import Any, Final, Protocol

import sqlalchemy as sa

from campaigns.models import Campaign
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from payments.accounting import entries
from payments.charges.record import record_charge, record_checkout, refresh_payment
from payments.charges.saved_cards import lock_card, record_card, refresh_card
from payments.context import Context
from payments.disputes.record import record_dispute
from payments.gateway.client import Gateway
from payments.gateway.facts import ChargeFact
from payments.ledger.drafts import MovementFacts, TransactionDraft
from payments.ledger.posting import adopt_alone, post
from payments.models import (
    CardStatus,
    ConnectedAccount,
    Payment,
    Refund,
    SavedCard,
)
from payments.models.locks import lock_payment
from payments.owners.onboarding import refresh_owner
from payments.owners.reversals import record_reversals
from payments.owners.transfers import import_transfer
from payments.refunds.external import adopt_refund
from payments.refunds.outcomes import record_refund
from payments.webhooks.known import is_collected, is_known_charge, is_known_refund, our_id_in


class Handler(Protocol):
    """Fetch the object an event names and take it in; ``False`` parks the event."""

    def __call__(
        self,
        object_id: str,
        payload: dict[str, Any],
        *,
        gateway: Gateway,
        settings: Settings,
        clock: Clock,
    ) -> bool:
        """Handle one event; doing so twice changes nothing."""


def find_handler(kind: str) -> Handler | None:
    """Find what to do about an event of this type; most types are none of our business."""
    return next((handler for prefix, handler in _HANDLERS if kind.startswith(prefix)), None)


def _on_checkout(
    object_id: str, payload: dict[str, Any], *, gateway: Gateway, settings: Settings, clock: Clock
) -> bool:
    del payload
    payment_id = _find_payment_id(Payment.stripe_checkout_session_id == object_id)
    if payment_id is None:
        of_page = SavedCard.stripe_checkout_session_id == object_id
        is_card = _refresh_card(of_page, gateway=gateway, settings=settings, clock=clock)
        return is_card or _adopt_page(object_id, gateway=gateway, settings=settings, clock=clock)
    if not is_collected(Payment.public_id == payment_id):
        refresh_payment(payment_id, gateway=gateway, settings=settings, clock=clock)
    return True


def _on_intent(
    object_id: str, payload: dict[str, Any], *, gateway: Gateway, settings: Settings, clock: Clock
) -> bool:
    by_intent = _find_payment_id(Payment.stripe_payment_intent_id == object_id)
    by_metadata = Payment.public_id == our_id_in(payload, "octo_payment")
    payment_id = by_intent or _find_payment_id(by_metadata)
    if payment_id is None:
        return False
    if not is_collected(Payment.public_id == payment_id):
        refresh_payment(payment_id, gateway=gateway, settings=settings, clock=clock)
    return True


def _on_setup(
    object_id: str, payload: dict[str, Any], *, gateway: Gateway, settings: Settings, clock: Clock
) -> bool:
    del object_id
    named = SavedCard.public_id == our_id_in(payload, "octo_card")
    return _refresh_card(named, gateway=gateway, settings=settings, clock=clock)


def _on_charge(
    object_id: str, payload: dict[str, Any], *, gateway: Gateway, settings: Settings, clock: Clock
) -> bool:
    if is_known_charge(payload):
        return True
    seen = gateway.get_charge(object_id)
    payment_id = _payment_id_of(seen)
    if payment_id is None:
        return False
    refunds = list(gateway.list_refunds(object_id)) if seen.amount_refunded else []
    with transaction() as session:
        context = Context.read(settings, clock)
        payment = lock_payment(session, public_id=payment_id)
        if seen.status == "succeeded":
            record_charge(session, payment, seen, context=context)
        lock(session, Campaign, id=payment.campaign_id)
        for one in refunds:
            refund = adopt_refund(session, payment, one, context=context)
            if refund is not None:
                record_refund(session, refund, one, context=context)
    return True


def _on_refund(
    object_id: str, payload: dict[str, Any], *, gateway: Gateway, settings: Settings, clock: Clock
) -> bool:
    if is_known_refund(payload):
        return True
    seen = gateway.get_refund(object_id)
    payment_id = _find_payment_id(Payment.stripe_charge_id == (seen.charge_id or ""))
    if payment_id is None:
        return False
    with transaction() as session:
        context = Context.read(settings, clock)
        payment = lock_payment(session, public_id=payment_id)
        lock(session, Campaign, id=payment.campaign_id)
        refund = adopt_refund(session, payment, seen, context=context)
        if refund is None:
            return False
        locked = lock(session, Refund, id=refund.id)
        record_refund(session, locked, seen, context=context)
    return True


def _on_transfer(
    object_id: str, payload: dict[str, Any], *, gateway: Gateway, settings: Settings, clock: Clock
) -> bool:
    del payload
    seen = gateway.get_transfer(object_id)
    reversals = list(gateway.list_reversals(object_id)) if seen.amount_reversed else []
    with transaction() as session:
        context = Context.read(settings, clock)
        transfer = import_transfer(session, seen, context=context)
        if transfer is None:
            return False
        record_reversals(session, transfer, reversals, context=context)
    return True


def _on_dispute(
    object_id: str, payload: dict[str, Any], *, gateway: Gateway, settings: Settings, clock: Clock
) -> bool:
    del payload
    seen = gateway.get_dispute(object_id)
    payment_id = _find_payment_id(Payment.stripe_charge_id == seen.charge_id)
    if payment_id is None:
        return False
    with transaction() as session:
        payment = lock_payment(session, public_id=payment_id)
        record_dispute(session, payment, seen, context=Context.read(settings, clock))
    return True


def _on_topup(
    object_id: str, payload: dict[str, Any], *, gateway: Gateway, settings: Settings, clock: Clock
) -> bool:
    del payload, settings, clock
    return _adopt(gateway.get_topup(object_id).movement, entries.topup)


def _on_payout(
    object_id: str, payload: dict[str, Any], *, gateway: Gateway, settings: Settings, clock: Clock
) -> bool:
    """Book a payout when it leaves, when it arrives, and when the bank sends it back."""
    del payload, settings, clock
    seen = gateway.get_payout(object_id)
    is_known = _adopt(seen.movement, entries.platform_payout)
    _adopt(seen.failure_movement, entries.platform_payout_failed)
    if is_known and seen.status == "paid":
        with transaction() as session:
            draft = entries.platform_payout_paid(
                seen.id, seen.amount, seen.currency, at=seen.arrives_at
            )
            post(session, draft)
    return is_known


def _on_account(
    object_id: str, payload: dict[str, Any], *, gateway: Gateway, settings: Settings, clock: Clock
) -> bool:
    del payload, settings
    with reading() as session:
        organisation_id = session.scalar(
            sa.select(ConnectedAccount.organisation_id).where(
                ConnectedAccount.stripe_account_id == object_id
            )
        )
    if organisation_id is None:
        return False
    refresh_owner(organisation_id, gateway=gateway, clock=clock)
    return True


def _adopt(
    movement: MovementFacts | None, rule: Callable[[MovementFacts], TransactionDraft]
) -> bool:
    if movement is None:
        return False
    adopt_alone(movement, rule(movement))
    return True


def _payment_id_of(seen: ChargeFact) -> str | None:
    by_charge = _find_payment_id(Payment.stripe_charge_id == seen.id)
    return by_charge or _find_payment_id(Payment.public_id == seen.metadata.get("octo_payment", ""))


def _adopt_page(page_id: str, *, gateway: Gateway, settings: Settings, clock: Clock) -> bool:
    """Take in a page of ours whose answer was lost, by the ids it carries."""
    seen = gateway.get_checkout(page_id)
    payment_id = _find_payment_id(
        sa.and_(
            Payment.public_id == seen.metadata.get("octo_payment", ""),
            Payment.stripe_checkout_session_id.is_(None),
        )
    )
    with transaction() as session:
        context = Context.read(settings, clock)
        if payment_id is not None:
            payment = lock_payment(session, public_id=payment_id)
            record_checkout(session, payment, seen, context=context)
            return True
        card_id = session.scalar(
            sa.select(SavedCard.public_id).where(
                SavedCard.public_id == seen.metadata.get("octo_card", ""),
                SavedCard.stripe_checkout_session_id.is_(None),
            )
        )
        if card_id is not None:
            card = lock_card(session, public_id=card_id)
            record_card(session, card, seen, context=context)
        return card_id is not None


def _refresh_card(
    condition: sa.ColumnElement[bool], *, gateway: Gateway, settings: Settings, clock: Clock
) -> bool:
    """Fetch how the saving of a card stands, unless that is known; ``False`` without a card."""
    with reading() as session:
        found = session.execute(
            sa.select(SavedCard.public_id, SavedCard.status).where(condition)
        ).one_or_none()
    if found is None:
        return False
    card_id, status = found
    if status in {CardStatus.PENDING, CardStatus.EXPIRED}:
        refresh_card(card_id, gateway=gateway, settings=settings, clock=clock)
    return True


def _find_payment_id(condition: sa.ColumnElement[bool]) -> str | None:
    with reading() as session:
        return session.scalar(sa.select(Payment.public_id).where(condition))


_HANDLERS: Final[tuple[tuple[str, Handler], ...]] = (
    ("checkout.session.", _on_checkout),
    ("payment_intent.", _on_intent),
    ("setup_intent.", _on_setup),
    ("charge.dispute.", _on_dispute),
    ("charge.refund.", _on_refund),
    ("charge.", _on_charge),
    ("refund.", _on_refund),
    ("transfer.", _on_transfer),
    ("topup.", _on_topup),
    ("payout.", _on_payout),
    ("account.", _on_account),
    ("v2.core.account[", _on_account),
    ("v2.core.account.", _on_account),
)
