"""PaymentIntents: the routes."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.errors import ApiError, malformed, refused
from stripe_sandbox.events import emit
from stripe_sandbox.lists import LIST_PARAMS, list_objects
from stripe_sandbox.objects import Json
from stripe_sandbox.resources.charges import take_money
from stripe_sandbox.resources.customers import get_customer
from stripe_sandbox.resources.intents import (
    CONFIRMABLE,
    confirm_intent,
    new_payment_intent,
    set_method,
    unexpected,
)
from stripe_sandbox.resources.payment_methods import read_method
from stripe_sandbox.routing import Call, route
from stripe_sandbox.store import Store, when_due

_SMALLEST_AMOUNT: Final = 50
_COMMON: Final = (
    "allowed_payment_method_types amount_details capture_method confirmation_token"
    " excluded_payment_method_types hooks mandate_data payment_details payment_method"
    " payment_method_data payment_method_options receipt_email setup_future_usage shipping"
)
_CANCEL_REASONS: Final = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")


@route(
    "POST",
    "/v1/payment_intents",
    params=f"{_COMMON} amount application_fee_amount automatic_payment_methods confirm"
    " confirmation_method currency customer customer_account description"
    " error_on_requires_action mandate metadata off_session on_behalf_of"
    " payment_method_configuration radar_options return_url statement_descriptor"
    " statement_descriptor_suffix transfer_data transfer_group use_stripe_sdk",
)
def create_payment_intent(call: Call) -> Json:
    params = call.params
    amount, currency = params.amount("amount"), params.currency()
    check_amount(amount)
    confirm = params.boolean("confirm")
    if not confirm:
        for name in ("off_session", "return_url", "error_on_requires_action"):
            if name in params:
                raise malformed(f"You cannot set `{name}` when `confirm` is not true.", param=name)
    customer = params.text("customer")
    if customer is not None:
        get_customer(call.store, customer)
    method = read_method(call.store, params)
    intent = new_payment_intent(
        call.store,
        amount=amount,
        currency=currency,
        customer=customer,
        description=params.text("description"),
        metadata=params.metadata(),
        transfer_group=params.text("transfer_group"),
        receipt_email=params.text("receipt_email"),
        setup_future_usage=params.choice("setup_future_usage", ("off_session", "on_session")),
        statement_descriptor_suffix=params.text("statement_descriptor_suffix", max_length=22),
        capture_method=params.choice("capture_method", ("automatic", "automatic_async", "manual"))
        or "automatic_async",
    )
    if method is not None:
        set_method(call.store, intent, method)
    return _confirm(call, intent) if confirm else intent


def check_amount(amount: int) -> None:
    """Refuse what is too small to be charged."""
    if amount < _SMALLEST_AMOUNT:
        raise refused("Amount must be at least €0.50", code="amount_too_small", param="amount")


def _confirm(call: Call, intent: Json) -> Json:
    return confirm_intent(
        call.store,
        intent,
        off_session=call.params.boolean("off_session"),
        return_url=call.params.text("return_url"),
        may_act=not call.params.boolean("error_on_requires_action"),
    )


@route("GET", "/v1/payment_intents/<id>", params="client_secret")
def retrieve_payment_intent(call: Call) -> Json:
    return call.store.get(call.arg(), "payment_intent")


@route(
    "POST",
    "/v1/payment_intents/<id>",
    params=f"{_COMMON} amount currency customer description metadata transfer_group"
    " statement_descriptor statement_descriptor_suffix",
)
def update_payment_intent(call: Call) -> Json:
    intent, params = call.store.get(call.arg(), "payment_intent"), call.params
    if set(params) & {"amount", "currency"} and intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, "update")
    if "amount" in params:
        amount = params.amount("amount")
        check_amount(amount)
        intent["amount"] = amount
    if (customer := params.text("customer")) is not None:
        intent["customer"] = get_customer(call.store, customer)["id"]
    for name in ("description", "receipt_email", "transfer_group", "setup_future_usage"):
        if name in params:
            intent[name] = params.text(name)
    intent["metadata"] = params.metadata(intent["metadata"])
    if (method := read_method(call.store, params)) is not None:
        set_method(call.store, intent, method)
    return call.store.save(intent)


@route(
    "POST",
    "/v1/payment_intents/<id>/confirm",
    params=f"{_COMMON} amount_to_confirm error_on_requires_action mandate off_session"
    " radar_options return_url use_stripe_sdk",
)
def confirm_payment_intent(call: Call) -> Json:
    intent = call.store.get(call.arg(), "payment_intent")
    _refuse_if_of_checkout(intent, "confirm")
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, "confirm")
    if (usage := call.params.text("setup_future_usage")) is not None:
        intent["setup_future_usage"] = usage
    if (method := read_method(call.store, call.params)) is not None:
        set_method(call.store, intent, method)
    return _confirm(call, intent)


@route("POST", "/v1/payment_intents/<id>/capture", params="amount_to_capture metadata")
def capture_payment_intent(call: Call) -> Json:
    intent = call.store.get(call.arg(), "payment_intent")
    if intent["status"] != "requires_capture":
        raise unexpected(intent, "capture")
    amount = (
        call.params.amount("amount_to_capture")
        if "amount_to_capture" in call.params
        else intent["amount_capturable"]
    )
    if amount > intent["amount_capturable"]:
        raise refused(
            f"The requested capture amount is greater than the amount you can capture"
            f" ({intent['amount_capturable']}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    charge = call.store.get(intent["latest_charge"], "charge")
    take_money(call.store, charge, amount)
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    intent["metadata"] = call.params.metadata(intent["metadata"])
    call.store.save(intent)
    emit(call.store, "charge.captured", charge)
    emit(call.store, "payment_intent.succeeded", intent)
    return intent


@route("POST", "/v1/payment_intents/<id>/cancel", params="cancellation_reason")
def cancel_payment_intent(call: Call) -> Json:
    intent = call.store.get(call.arg(), "payment_intent")
    _refuse_if_of_checkout(intent, "cancel")
    reason = call.params.choice("cancellation_reason", _CANCEL_REASONS)
    if intent["status"] not in CONFIRMABLE | {"requires_capture"}:
        raise unexpected(intent, "cancel")
    return cancel_intent(call.store, intent, reason)


def cancel_intent(store: Store, intent: Json, reason: str | None) -> Json:
    """End an intent that was not paid; what was authorized is let go."""
    if intent["status"] == "requires_capture":
        charge = store.get(intent["latest_charge"], "charge")
        charge.update(amount_refunded=charge["amount"], refunded=True)
        store.save(charge)
        emit(store, "charge.refunded", charge)
    intent.update(
        status="canceled",
        canceled_at=store.now,
        cancellation_reason=reason,
        amount_capturable=0,
        next_action=None,
    )
    store.save(intent)
    emit(store, "payment_intent.canceled", intent)
    return intent


@when_due("authorization_ends")
def let_authorization_go(store: Store, intent_id: str) -> None:
    intent = store.get(intent_id, "payment_intent")
    if intent["status"] == "requires_capture":
        cancel_intent(store, intent, "automatic")


def _refuse_if_of_checkout(intent: Json, verb: str) -> None:
    if intent.get("_session"):
        raise ApiError(
            f"You cannot {verb} this PaymentIntent because it was created by a Checkout Session."
            " Expire the Checkout Session instead.",
            code="payment_intent_unexpected_state",
        )


@route("GET", "/v1/payment_intents", params=f"{LIST_PARAMS} created customer customer_account")
def list_payment_intents(call: Call) -> Json:
    return list_objects(call, "payment_intent", "customer")
