"""Payment methods: cards, and what Stripe lets be done with them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final

from stripe_sandbox.cards import TOKENS, Card, card_of, card_refusal
from stripe_sandbox.errors import malformed, missing_param, refused
from stripe_sandbox.events import emit
from stripe_sandbox.forms import Params
from stripe_sandbox.lists import LIST_PARAMS, list_objects
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.resources.customers import get_customer
from stripe_sandbox.routing import Call, route
from stripe_sandbox.store import Store, index_fields

index_fields("payment_method", "customer", "type")

_NO_ADDRESS: Final = {
    "city": None,
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}


def new_card_method(
    store: Store,
    card: Card,
    *,
    billing: Json | None = None,
    metadata: dict[str, str] | None = None,
    exp_month: int | None = None,
    exp_year: int | None = None,
) -> Json:
    """Keep a payment method for one test card."""
    year = datetime.fromtimestamp(store.now, UTC).year
    details = {"address": dict(_NO_ADDRESS), "email": None, "name": None, "phone": None}
    details.update({key: value for key, value in (billing or {}).items() if key in details})
    return store.add(
        {
            "id": new_id("pm"),
            "object": "payment_method",
            "_number": card.number,
            "_was_used": False,
            "_is_set_up": False,
            "allow_redisplay": "unspecified",
            "billing_details": {**details, "tax_id": None},
            "card": {
                "brand": card.brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": "unchecked",
                },
                "country": card.country,
                "display_brand": card.brand,
                "exp_month": exp_month or 12,
                "exp_year": exp_year or year + 4,
                "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
                "funding": "credit",
                "generated_from": None,
                "last4": card.last4,
                "networks": {"available": [card.brand], "preferred": None},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "created": store.now,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": metadata or {},
            "type": "card",
        }
    )


def card_behind(method: Json) -> Card:
    return card_of(method["_number"])


def read_method(store: Store, params: Params) -> Json | None:
    """Return the payment method a request names, by id, by test token or by its card."""
    if (given := params.text("payment_method")) is not None:
        if given in TOKENS:
            return new_card_method(store, card_of(TOKENS[given]))
        return store.get(given, "payment_method", param="payment_method")
    if "payment_method_data" in params:
        return method_from(store, params.branch("payment_method_data"))
    return None


def method_from(store: Store, params: Params) -> Json:
    """Create the card the parameters describe."""
    if params.need_text("type") != "card":
        raise refused("This sandbox takes cards only.", param=params.name("type"))
    card = params.branch("card")
    if "token" in card:
        number = TOKENS.get(card.need_text("token").replace("tok_", "pm_card_"))
        if number is None:
            raise refused(f"No such token: '{card.text('token')}'", code="resource_missing")
    else:
        number = card.need_text("number")
    return new_card_method(
        store,
        card_of(number),
        billing=params.branch("billing_details").values,
        metadata=params.metadata(),
        exp_month=card.integer("exp_month"),
        exp_year=card.integer("exp_year"),
    )


def attach(store: Store, method: Json, customer: Json) -> Json:
    """Save the card for a customer; a card its issuer declines cannot be saved."""
    card = card_behind(method)
    if method["customer"] == customer["id"]:
        return method
    if method["customer"] is not None:
        raise refused(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
        )
    if method["_was_used"]:
        raise spent(method)
    if not card.can_attach:
        assert card.decline is not None
        raise card_refusal(card.decline, keep=False)
    method["customer"] = customer["id"]
    store.save(method)
    emit(store, "payment_method.attached", method)
    return method


def spent(method: Json) -> Exception:
    """Return the refusal of a card that was used once without being saved."""
    return refused(
        f"The provided PaymentMethod ({method['id']}) was previously used with a PaymentIntent"
        " without Customer attachment, or was detached from a Customer. It may not be used again."
        " To use a PaymentMethod multiple times, you must attach it to a Customer first.",
        code="payment_method_unexpected_state",
        param="payment_method",
    )


@route(
    "POST",
    "/v1/payment_methods",
    params="allow_redisplay billing_details card customer metadata payment_method type",
)
def create_payment_method(call: Call) -> Json:
    if call.params.text("type") is None:
        raise missing_param("type")
    return method_from(call.store, call.params)


@route("GET", "/v1/payment_methods/<id>", params="")
def retrieve_payment_method(call: Call) -> Json:
    return call.store.get(call.arg(), "payment_method")


@route("POST", "/v1/payment_methods/<id>", params="allow_redisplay billing_details card metadata")
def update_payment_method(call: Call) -> Json:
    method = call.store.get(call.arg(), "payment_method")
    if method["customer"] is None:
        raise refused("You must save this PaymentMethod to a customer before you can update it.")
    method["metadata"] = call.params.metadata(method["metadata"])
    method["billing_details"].update(call.params.branch("billing_details").values)
    call.store.save(method)
    emit(call.store, "payment_method.updated", method)
    return method


@route("POST", "/v1/payment_methods/<id>/attach", params="customer customer_account")
def attach_payment_method(call: Call) -> Json:
    customer = get_customer(call.store, call.params.need_text("customer"))
    if (token := call.arg()) in TOKENS:
        method = new_card_method(call.store, card_of(TOKENS[token]))
    else:
        method = call.store.get(token, "payment_method")
    return attach(call.store, method, customer)


@route("POST", "/v1/payment_methods/<id>/detach", params="")
def detach_payment_method(call: Call) -> Json:
    method = call.store.get(call.arg(), "payment_method")
    if method["customer"] is None:
        raise refused("The payment method you provided is not attached to a customer.")
    method.update(customer=None, _was_used=True)
    call.store.save(method)
    emit(call.store, "payment_method.detached", method)
    return method


@route("GET", "/v1/payment_methods", params=f"{LIST_PARAMS} allow_redisplay customer type")
def list_payment_methods(call: Call) -> Json:
    if "customer" not in call.params:
        raise malformed("You must provide a customer.", param="customer")
    return list_objects(call, "payment_method", "customer", "type")


@route("GET", "/v1/customers/<customer>/payment_methods", params=f"{LIST_PARAMS} type")
def list_customer_payment_methods(call: Call) -> Json:
    call.store.get(call.arg("customer"), "customer")
    return list_objects(call, "payment_method", "type", customer=call.arg("customer"))
