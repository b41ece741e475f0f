"""What confirming a PaymentIntent does: pay, ask for 3-D Secure, or refuse."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.cards import (
    AUTHENTICATION_REQUIRED,
    Card,
    Decline,
    ThreeDSecure,
    card_refusal,
)
from stripe_sandbox.errors import ApiError, refused
from stripe_sandbox.events import emit
from stripe_sandbox.objects import Json, new_id, public
from stripe_sandbox.resources.charges import charge_intent, refuse_charge
from stripe_sandbox.resources.customers import get_customer
from stripe_sandbox.resources.payment_methods import attach, card_behind, spent
from stripe_sandbox.store import Store, index_fields

index_fields("payment_intent", "customer", "transfer_group")

CONFIRMABLE: Final = {"requires_payment_method", "requires_confirmation", "requires_action"}
_AUTHORIZED_SECONDS: Final = 7 * 24 * 3600
FAILED_AUTHENTICATION: Final = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or"
    " a new PaymentMethod to attempt to fulfill this {noun} again."
)


def new_payment_intent(store: Store, *, amount: int, currency: str, **given: object) -> Json:
    id_ = new_id("pi")
    intent: Json = {
        "id": id_,
        "object": "payment_intent",
        "allowed_payment_method_types": None,
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{id_}_secret_{new_id('x')[2:]}",
        "confirmation_method": "automatic",
        "created": store.now,
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
        **given,
    }
    store.add(intent)
    emit(store, "payment_intent.created", intent)
    return intent


def set_method(store: Store, intent: Json, method: Json) -> None:
    """Choose the card an intent will use, if it may be used."""
    if method["customer"] is None and method["_was_used"]:
        raise spent(method)
    if method["customer"] is not None and method["customer"] != intent["customer"]:
        raise refused(
            f"The provided PaymentMethod ({method['id']}) belongs to a Customer. Please include"
            " that Customer in the `customer` parameter.",
            code="resource_missing" if intent["customer"] else None,
            param="payment_method",
        )
    intent["payment_method"] = method["id"]
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"
    store.save(intent)


def confirm_intent(
    store: Store, intent: Json, *, off_session: bool, return_url: str | None, may_act: bool = True
) -> Json:
    """Try to take the money now; a refusal is a 402 that leaves its trace."""
    method = _method_to_confirm(store, intent, off_session=off_session)
    card = card_behind(method)
    intent["next_action"] = None
    if _needs_three_d_secure(card, method, off_session=off_session):
        if off_session or not may_act:
            charge = refuse_charge(store, intent, method, AUTHENTICATION_REQUIRED)
            raise refuse_intent(store, intent, method, AUTHENTICATION_REQUIRED, charge)
        return ask_for_action(store, intent, return_url)
    return pay_intent(store, intent)


def _method_to_confirm(store: Store, intent: Json, *, off_session: bool) -> Json:
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, "confirm")
    if intent["payment_method"] is None:
        raise refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can"
            " either update the PaymentIntent with a payment method and then confirm it again, or"
            " confirm it again directly with a payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
        )
    method = store.get(intent["payment_method"], "payment_method")
    if method["customer"] is None and method["_was_used"]:
        raise spent(method)
    if off_session and method["customer"] is None:
        raise refused(
            "You cannot confirm with `off_session=true` a PaymentIntent whose PaymentMethod is"
            " not attached to a Customer.",
            param="off_session",
        )
    return method


def _needs_three_d_secure(card: Card, method: Json, *, off_session: bool) -> bool:
    if card.three_d_secure == ThreeDSecure.ALWAYS:
        return True
    if card.three_d_secure == ThreeDSecure.UNLESS_SET_UP:
        return not (off_session and method["_is_set_up"])
    return False


def ask_for_action(store: Store, intent: Json, return_url: str | None) -> Json:
    """Send the cardholder to 3-D Secure."""
    page = f"{store.transaction.base_url}/3ds/{store.transaction.own_account}/{intent['id']}"
    intent["status"] = "requires_action"
    intent["next_action"] = (
        {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": page}}
        if return_url
        else {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    )
    intent["_three_d_secure_url"] = page
    intent["_return_url"] = return_url
    store.save(intent)
    emit(store, f"{intent['object']}.requires_action", intent)
    return intent


def pay_intent(store: Store, intent: Json) -> Json:
    """Charge the card of an intent that needs nothing more."""
    method = store.get(intent["payment_method"], "payment_method")
    charge = charge_intent(store, intent, method)
    intent["latest_charge"] = charge["id"]
    if not charge["paid"]:
        decline = card_behind(method).decline
        assert decline is not None
        raise refuse_intent(store, intent, method, decline, charge)
    intent.update(last_payment_error=None, next_action=None)
    if charge["captured"]:
        intent.update(status="succeeded", amount_received=charge["amount_captured"])
    else:
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        store.schedule(store.now + _AUTHORIZED_SECONDS, "authorization_ends", intent["id"])
    method["_was_used"] = True
    store.save(method)
    store.save(intent)
    if intent["setup_future_usage"] and intent["customer"]:
        method["_is_set_up"] = True
        attach_after_use(store, method, intent["customer"])
    event = "succeeded" if charge["captured"] else "amount_capturable_updated"
    emit(store, f"payment_intent.{event}", intent)
    return intent


def attach_after_use(store: Store, method: Json, customer_id: str) -> None:
    """Save the card that has just paid or been set up."""
    if method["customer"] is None:
        method["_was_used"] = False
        attach(store, method, get_customer(store, customer_id))
    store.save(method)


def refuse_intent(
    store: Store, intent: Json, method: Json, decline: Decline, charge: Json | None
) -> ApiError:
    """Put the intent back to waiting for another card; return the error that tells why."""
    error: Json = {
        "code": decline.code,
        "doc_url": f"https://docs.stripe.com/error-codes/{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": public(method),
        "type": "card_error"
        if charge is not None or decline.decline_code
        else "invalid_request_error",
    }
    if decline.decline_code:
        error["decline_code"] = decline.decline_code
    if charge is not None:
        error["charge"] = charge["id"]
        intent["latest_charge"] = charge["id"]
    if method["customer"] is None:
        method["_was_used"] = True
        store.save(method)
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_payment_error=error,
    )
    store.save(intent)
    emit(store, "payment_intent.payment_failed", intent)
    extra: Json = {"payment_intent": public(intent), "payment_method": public(method)}
    if charge is not None:
        extra["charge"] = charge["id"]
    return card_refusal(decline, extra=extra)


def unexpected(intent: Json, verb: str) -> ApiError:
    """Return the refusal of a step the intent's state does not allow."""
    noun = "PaymentIntent" if intent["object"] == "payment_intent" else "SetupIntent"
    return ApiError(
        f"You cannot {verb} this {noun} because it has a status of {intent['status']}.",
        code=f"{intent['object']}_unexpected_state",
        extra={intent["object"]: public(intent)},
    )
