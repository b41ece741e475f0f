"""Charges: what a confirmed PaymentIntent leaves, paid or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stripe_sandbox.cards import Card, Decline
from stripe_sandbox.errors import refused
from stripe_sandbox.events import emit
from stripe_sandbox.expansion import included_when_expanded
from stripe_sandbox.lists import LIST_PARAMS, list_objects, list_of
from stripe_sandbox.money import availability, move_money, processing_fee
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.resources.payment_methods import card_behind
from stripe_sandbox.routing import Call, route
from stripe_sandbox.store import Store, index_fields

index_fields("charge", "payment_intent", "customer", "transfer_group")

ChargeListener = Callable[[Store, Json, Card], None]
_LISTENERS: Final[list[ChargeListener]] = []


def on_charge(listener: ChargeListener) -> ChargeListener:
    """Have ``listener(store, charge, card)`` called after a charge was paid."""
    _LISTENERS.append(listener)
    return listener


def charge_intent(store: Store, intent: Json, method: Json) -> Json:
    """Charge the card for the intent; the answer says whether it was paid."""
    card = card_behind(method)
    charge = _new_charge(store, intent, method, card, card.decline)
    if card.decline is not None:
        emit(store, "charge.failed", charge)
        return charge
    if intent["capture_method"] != "manual":
        take_money(store, charge, charge["amount"])
    emit(store, "charge.succeeded", charge)
    for listener in _LISTENERS:
        listener(store, charge, card)
    return charge


def refuse_charge(store: Store, intent: Json, method: Json, decline: Decline) -> Json:
    """Keep the failed charge of a payment refused for another reason than its card."""
    charge = _new_charge(store, intent, method, card_behind(method), decline)
    emit(store, "charge.failed", charge)
    return charge


def take_money(store: Store, charge: Json, amount: int) -> None:
    """Capture the charge: its money enters the balance, pending for some days."""
    method = store.get(charge["payment_method"], "payment_method")
    transaction = move_money(
        store,
        type_="charge",
        amount=amount,
        fee=processing_fee(store, amount),
        currency=charge["currency"],
        source=charge["id"],
        available_on=store.now if card_behind(method).is_available_at_once else availability(store),
        description=charge["description"],
    )
    charge.update(captured=True, amount_captured=amount, balance_transaction=transaction["id"])
    store.save(charge)


def _new_charge(
    store: Store, intent: Json, method: Json, card: Card, decline: Decline | None
) -> Json:
    id_ = new_id("ch")
    return store.add(
        {
            "id": id_,
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "OCTO SANDBOX",
            "captured": False,
            "created": store.now,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": decline.code if decline else None,
            "failure_message": decline.message if decline else None,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "on_behalf_of": None,
            "outcome": _outcome(decline),
            "paid": decline is None,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": _method_details(intent, method, card),
            "radar_options": {},
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": None,
            "source": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "failed" if decline else "succeeded",
            "transfer_data": None,
            "transfer_group": intent["transfer_group"],
        }
    )


def _outcome(decline: Decline | None) -> Json:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": decline.decline_code or decline.code if decline else None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "The bank declined the payment." if decline else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }


def _method_details(intent: Json, method: Json, card: Card) -> Json:
    seen = method["card"]
    return {
        "card": {
            "amount_authorized": intent["amount"],
            "authorization_code": None,
            "brand": card.brand,
            "checks": {**seen["checks"], "cvc_check": "pass"},
            "country": card.country,
            "exp_month": seen["exp_month"],
            "exp_year": seen["exp_year"],
            "extended_authorization": {"status": "disabled"},
            "fingerprint": seen["fingerprint"],
            "funding": seen["funding"],
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": card.last4,
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card.brand,
            "network_token": {"used": False},
            "network_transaction_id": None,
            "overcapture": {
                "maximum_amount_capturable": intent["amount"],
                "status": "unavailable",
            },
            "regulated_status": "unregulated",
            "three_d_secure": _three_d_secure() if intent.get("_is_authenticated") else None,
            "wallet": None,
        },
        "type": "card",
    }


def _three_d_secure() -> Json:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": new_id("tds", 12),
        "version": "2.2.0",
    }


@included_when_expanded("charge", "refunds")
def refunds_of(store: Store, charge: Json) -> Json:
    found = store.select("refund", charge=charge["id"])[::-1]
    return list_of(
        found[:10],
        url=f"/v1/charges/{charge['id']}/refunds",
        has_more=len(found) > 10,  # noqa: PLR2004
    )


@route("GET", "/v1/charges/<id>", params="")
def retrieve_charge(call: Call) -> Json:
    return call.store.get(call.arg(), "charge")


@route("POST", "/v1/charges/<id>", params="description metadata receipt_email transfer_group")
def update_charge(call: Call) -> Json:
    charge = call.store.get(call.arg(), "charge")
    charge["metadata"] = call.params.metadata(charge["metadata"])
    if "description" in call.params:
        charge["description"] = call.params.text("description")
    if (group := call.params.text("transfer_group")) is not None:
        if charge["transfer_group"] not in {None, group}:
            raise refused(
                "This charge already has a transfer_group; it cannot be changed.",
                param="transfer_group",
            )
        charge["transfer_group"] = group
    call.store.save(charge)
    emit(call.store, "charge.updated", charge)
    return charge


@route(
    "GET",
    "/v1/charges",
    params=f"{LIST_PARAMS} created customer payment_intent transfer_group",
)
def list_charges(call: Call) -> Json:
    return list_objects(call, "charge", "customer", "payment_intent", "transfer_group")


@route("GET", "/v1/charges/<id>/refunds", params=LIST_PARAMS)
def list_charge_refunds(call: Call) -> Json:
    call.store.get(call.arg(), "charge")
    return list_objects(call, "refund", charge=call.arg())
