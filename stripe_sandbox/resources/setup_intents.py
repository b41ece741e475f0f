"""SetupIntents: a card saved for later, without taking money."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.cards import Decline, ThreeDSecure, card_refusal
from stripe_sandbox.errors import ApiError, malformed, refused
from stripe_sandbox.events import emit
from stripe_sandbox.lists import LIST_PARAMS, list_objects
from stripe_sandbox.objects import Json, new_id, public
from stripe_sandbox.resources.customers import get_customer
from stripe_sandbox.resources.intents import (
    CONFIRMABLE,
    ask_for_action,
    attach_after_use,
    set_method,
    unexpected,
)
from stripe_sandbox.resources.payment_methods import card_behind, read_method
from stripe_sandbox.routing import Call, route
from stripe_sandbox.store import Store, index_fields

index_fields("setup_intent", "customer", "payment_method")

_COMMON: Final = (
    "allowed_payment_method_types confirmation_token mandate_data payment_method"
    " payment_method_data payment_method_options"
)


def new_setup_intent(store: Store, **given: object) -> Json:
    id_ = new_id("seti")
    intent: Json = {
        "id": id_,
        "object": "setup_intent",
        "allowed_payment_method_types": None,
        "application": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "cancellation_reason": None,
        "client_secret": f"{id_}_secret_{new_id('x')[2:]}",
        "created": store.now,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
        **given,
    }
    store.add(intent)
    emit(store, "setup_intent.created", intent)
    return intent


def confirm_setup(store: Store, intent: Json, *, return_url: str | None) -> Json:
    """Have the card checked, with 3-D Secure where it asks for it."""
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, "confirm")
    if intent["payment_method"] is None:
        raise refused(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
        )
    method = store.get(intent["payment_method"], "payment_method")
    card = card_behind(method)
    if card.decline is not None and not card.can_attach:
        raise refuse_setup(store, intent, card.decline)
    if card.three_d_secure != ThreeDSecure.NEVER:
        return ask_for_action(store, intent, return_url)
    return finish_setup(store, intent)


def finish_setup(store: Store, intent: Json) -> Json:
    """Keep the card ready for charges when its holder is away."""
    method = store.get(intent["payment_method"], "payment_method")
    intent.update(status="succeeded", next_action=None, last_setup_error=None)
    store.save(intent)
    method["_is_set_up"] = True
    if intent["customer"]:
        attach_after_use(store, method, intent["customer"])
    store.save(method)
    emit(store, "setup_intent.succeeded", intent)
    return intent


def refuse_setup(store: Store, intent: Json, decline: Decline) -> ApiError:
    """Put the intent back to waiting for another card; return the error that tells why."""
    method = store.get(intent["payment_method"], "payment_method")
    error: Json = {
        "code": decline.code,
        "doc_url": f"https://docs.stripe.com/error-codes/{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": public(method),
        "type": "card_error" if decline.decline_code else "invalid_request_error",
    }
    if decline.decline_code:
        error["decline_code"] = decline.decline_code
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_setup_error=error,
    )
    store.save(intent)
    emit(store, "setup_intent.setup_failed", intent)
    extra = {"setup_intent": public(intent), "payment_method": public(method)}
    return card_refusal(decline, extra=extra)


@route(
    "POST",
    "/v1/setup_intents",
    params=f"{_COMMON} attach_to_self automatic_payment_methods confirm customer customer_account"
    " description excluded_payment_method_types flow_directions metadata on_behalf_of"
    " payment_method_configuration return_url single_use usage use_stripe_sdk",
)
def create_setup_intent(call: Call) -> Json:
    params = call.params
    confirm = params.boolean("confirm")
    if "return_url" in params and not confirm:
        raise malformed("You cannot set `return_url` when `confirm` is not true.", param="confirm")
    customer = params.text("customer")
    if customer is not None:
        get_customer(call.store, customer)
    method = read_method(call.store, params)
    intent = new_setup_intent(
        call.store,
        customer=customer,
        description=params.text("description"),
        metadata=params.metadata(),
        usage=params.choice("usage", ("off_session", "on_session")) or "off_session",
    )
    if method is not None:
        set_method(call.store, intent, method)
    if not confirm:
        return intent
    return confirm_setup(call.store, intent, return_url=params.text("return_url"))


@route("GET", "/v1/setup_intents/<id>", params="client_secret")
def retrieve_setup_intent(call: Call) -> Json:
    return call.store.get(call.arg(), "setup_intent")


@route(
    "POST",
    "/v1/setup_intents/<id>",
    params=f"{_COMMON} attach_to_self customer description flow_directions metadata",
)
def update_setup_intent(call: Call) -> Json:
    intent, params = call.store.get(call.arg(), "setup_intent"), call.params
    if (customer := params.text("customer")) is not None:
        intent["customer"] = get_customer(call.store, customer)["id"]
    if "description" in params:
        intent["description"] = params.text("description")
    intent["metadata"] = params.metadata(intent["metadata"])
    if (method := read_method(call.store, params)) is not None:
        set_method(call.store, intent, method)
    return call.store.save(intent)


@route(
    "POST",
    "/v1/setup_intents/<id>/confirm",
    params=f"{_COMMON} return_url use_stripe_sdk",
)
def confirm_setup_intent(call: Call) -> Json:
    intent = call.store.get(call.arg(), "setup_intent")
    _refuse_if_of_checkout(intent, "confirm")
    if (method := read_method(call.store, call.params)) is not None:
        set_method(call.store, intent, method)
    return confirm_setup(call.store, intent, return_url=call.params.text("return_url"))


@route("POST", "/v1/setup_intents/<id>/cancel", params="cancellation_reason")
def cancel_setup_intent(call: Call) -> Json:
    intent = call.store.get(call.arg(), "setup_intent")
    _refuse_if_of_checkout(intent, "cancel")
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, "cancel")
    return cancel_setup(call.store, intent, call.params.text("cancellation_reason"))


def cancel_setup(store: Store, intent: Json, reason: str | None) -> Json:
    intent.update(status="canceled", cancellation_reason=reason, next_action=None)
    store.save(intent)
    emit(store, "setup_intent.canceled", intent)
    return intent


def _refuse_if_of_checkout(intent: Json, verb: str) -> None:
    if intent.get("_session"):
        raise ApiError(
            f"You cannot {verb} this SetupIntent because it was created by a Checkout Session."
            " Expire the Checkout Session instead.",
            code="setup_intent_unexpected_state",
        )


@route(
    "GET",
    "/v1/setup_intents",
    params=f"{LIST_PARAMS} attach_to_self created customer customer_account payment_method",
)
def list_setup_intents(call: Call) -> Json:
    return list_objects(call, "setup_intent", "customer", "payment_method")
