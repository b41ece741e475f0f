"""The calls by which money comes in: pages opened and closed, cards charged and forgotten."""

from typing import Final

import structlog
from sqlalchemy.orm import Session

from campaigns.pledges.transitions import expire_pledge
from payments.charges.off_session import (
    CARD_IS_GONE,
    UNUSABLE,
    confirm_intent,
    record_decline,
)
from payments.charges.record import record_checkout, record_intent
from payments.charges.saved_cards import lock_card, record_card
from payments.context import Context
from payments.gateway import reading
from payments.gateway.attempts import Claimed
from payments.gateway.client import Gateway, UnknownToStripeError
from payments.gateway.endpoints import CHECKOUT_SESSIONS, PAYMENT_INTENTS, Endpoint
from payments.gateway.facts import CardFact, CheckoutFact, IntentFact, Refused
from payments.gateway.lookups import look_at_state, made_by
from payments.gateway.registry import Call, one_by_one
from payments.models import Attempt, AttemptKind, CardStatus, PaymentStatus
from payments.models.locks import lock_payment

_log = structlog.get_logger()
_NOT_ENDED: Final = frozenset(
    {"requires_payment_method", "requires_confirmation", "requires_action", "processing"}
)


def _find_closed_checkout(gateway: Gateway, claimed: Claimed) -> CheckoutFact | None:
    try:
        seen = gateway.get_checkout(claimed.parameters["session"])
    except UnknownToStripeError:
        return None
    return None if seen.status == "open" else seen


def _find_created_intent(gateway: Gateway, claimed: Claimed) -> IntentFact | None:
    return made_by(claimed, gateway.list_intents(claimed.parameters["customer"]))


def _find_confirmed_intent(gateway: Gateway, claimed: Claimed) -> IntentFact | None:
    """Return the intent, unless it still waits to be confirmed; a declined one was."""
    seen = gateway.get_intent(claimed.parameters["intent"])
    return None if seen.status == "requires_confirmation" else seen


def _find_ended_intent(gateway: Gateway, claimed: Claimed) -> IntentFact | None:
    seen = gateway.get_intent(claimed.parameters["intent"])
    return None if seen.status in _NOT_ENDED else seen


def _find_detached_card(gateway: Gateway, claimed: Claimed) -> CardFact | None:
    seen = gateway.get_card(claimed.parameters["card"])
    return None if seen.customer_id is not None else seen


def _on_page(session: Session, attempt: Attempt, seen: CheckoutFact, context: Context) -> None:
    if seen.mode == "setup":
        card = lock_card(session, public_id=attempt.subject)
        record_card(session, card, seen, context=context)
    else:
        payment = lock_payment(session, public_id=attempt.subject)
        record_checkout(session, payment, seen, context=context)


def _on_intent(session: Session, attempt: Attempt, seen: IntentFact, context: Context) -> None:
    payment = lock_payment(session, public_id=attempt.subject)
    record_intent(session, payment, seen, context=context)


def _on_new_intent(session: Session, attempt: Attempt, seen: IntentFact, context: Context) -> None:
    payment = lock_payment(session, public_id=attempt.subject)
    record_intent(session, payment, seen, context=context)
    confirm_intent(session, payment, context=context)


def _on_detached(session: Session, attempt: Attempt, _seen: CardFact, _context: Context) -> None:
    lock_card(session, public_id=attempt.subject).advance_to(CardStatus.FORGOTTEN)


def _no_page(session: Session, attempt: Attempt, _refused: Refused, context: Context) -> bool:
    """End a pledge whose page was never opened, or whose address was lost."""
    if attempt.parameters["mode"] == "setup":
        card = lock_card(session, public_id=attempt.subject)
        if card.advance_to(CardStatus.EXPIRED):
            expire_pledge(session, pledge=card.pledge, at=context.now)
    else:
        payment = lock_payment(session, public_id=attempt.subject)
        if payment.advance_to(PaymentStatus.CANCELED):
            expire_pledge(session, pledge=payment.pledge, at=context.now)
    return True


def _no_money(session: Session, attempt: Attempt, refused: Refused, context: Context) -> bool:
    """Take in that the card cannot be charged; any other refusal is a bug."""
    if not refused.is_decline and refused.code not in CARD_IS_GONE:
        return False
    payment = lock_payment(session, public_id=attempt.subject)
    code = refused.code if refused.is_decline else UNUSABLE
    record_decline(session, payment, code=code, context=context)
    return True


def _not_forgotten(_session: Session, attempt: Attempt, refused: Refused, _at: Context) -> bool:
    _log.error("card_not_forgotten", subject=attempt.subject, code=refused.code)
    return True


def _unexplained(_session: Session, _attempt: Attempt, _refused: Refused, _at: Context) -> bool:
    return False


CALLS: Final = (
    Call(
        AttemptKind.CHECKOUT_CREATE,
        "checkouts to open",
        Endpoint(CHECKOUT_SESSIONS, reading.checkout, moves_money=False),
        on_done=one_by_one(_on_page),
        on_refused=_no_page,
    ),
    Call(
        AttemptKind.CHECKOUT_EXPIRE,
        "checkouts to close",
        Endpoint(
            f"{CHECKOUT_SESSIONS}/{{id}}/expire",
            reading.checkout,
            moves_money=False,
            id_parameter="session",
            creates=False,
        ),
        on_done=one_by_one(_on_page),
        on_refused=_unexplained,
        find_effect=_find_closed_checkout,
        look_again=look_at_state,
    ),
    Call(
        AttemptKind.INTENT_CREATE,
        "charges to prepare",
        Endpoint(PAYMENT_INTENTS, reading.present_intent, moves_money=False),
        on_done=one_by_one(_on_new_intent),
        on_refused=_no_money,
        find_effect=_find_created_intent,
    ),
    Call(
        AttemptKind.INTENT_CONFIRM,
        "charges",
        Endpoint(
            f"{PAYMENT_INTENTS}/{{id}}/confirm",
            reading.present_intent,
            moves_money=True,
            id_parameter="intent",
            expand=("latest_charge.balance_transaction",),
            creates=False,
        ),
        on_done=one_by_one(_on_intent),
        on_refused=_no_money,
        find_effect=_find_confirmed_intent,
        look_again=look_at_state,
    ),
    Call(
        AttemptKind.INTENT_CANCEL,
        "charges to call off",
        Endpoint(
            f"{PAYMENT_INTENTS}/{{id}}/cancel",
            reading.present_intent,
            moves_money=False,
            id_parameter="intent",
            creates=False,
        ),
        on_done=one_by_one(_on_intent),
        on_refused=_unexplained,
        find_effect=_find_ended_intent,
        look_again=look_at_state,
    ),
    Call(
        AttemptKind.CARD_DETACH,
        "cards to forget",
        Endpoint(
            "/v1/payment_methods/{id}/detach",
            reading.present_card,
            moves_money=False,
            id_parameter="card",
            creates=False,
        ),
        on_done=one_by_one(_on_detached),
        on_refused=_not_forgotten,
        find_effect=_find_detached_card,
        look_again=look_at_state,
    ),
)
