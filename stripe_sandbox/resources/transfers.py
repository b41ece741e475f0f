"""Transfers: money from the platform's balance to a connected account's, and back."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.errors import malformed, refused
from stripe_sandbox.events import emit
from stripe_sandbox.lists import LIST_PARAMS, list_objects, list_of
from stripe_sandbox.money import available, move_money
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.resources.accounts import TYPE as ACCOUNT
from stripe_sandbox.resources.accounts import can_receive
from stripe_sandbox.routing import Call, route
from stripe_sandbox.store import Store, index_fields

_EMBEDDED: Final = 10

index_fields("transfer", "destination", "transfer_group", "source_transaction")
index_fields("transfer_reversal", "transfer")


@route(
    "POST",
    "/v1/transfers",
    params="amount currency description destination metadata source_transaction source_type"
    " transfer_group",
)
def create_transfer(call: Call) -> Json:
    store, params = call.store, call.params
    amount, currency = params.amount("amount"), params.currency()
    destination = _ready_destination(store, params.need_text("destination"))
    charge = _source(store, params.text("source_transaction"), amount, currency)
    if charge is None and available(store, currency) < amount:
        raise refused(
            "You have insufficient available funds in your Stripe account. Try adding funds"
            " directly to your available balance by creating Charges using the 4000000000000077"
            " test card. See: https://stripe.com/docs/testing#available-balance",
            code="balance_insufficient",
        )
    group = params.text("transfer_group")
    transfer = {
        "id": new_id("tr"),
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": params.text("description"),
        "destination": destination["id"],
        "destination_payment": None,
        "livemode": False,
        "metadata": params.metadata(),
        "reversals": list_of([], url=""),
        "reversed": False,
        "source_transaction": charge["id"] if charge else None,
        "source_type": params.choice("source_type", ("bank_account", "card", "fpx")) or "card",
        "transfer_group": _group(charge, group),
    }
    transfer["reversals"]["url"] = f"/v1/transfers/{transfer['id']}/reversals"
    _move(store, transfer, _available_on(store, charge))
    store.add(transfer)
    emit(store, "transfer.created", transfer)
    return transfer


@route("GET", "/v1/transfers", params=f"{LIST_PARAMS} created destination transfer_group")
def list_transfers(call: Call) -> Json:
    return list_objects(call, "transfer", "destination", "transfer_group")


@route("GET", "/v1/transfers/<id>", params="")
def retrieve_transfer(call: Call) -> Json:
    return call.store.get(call.arg(), "transfer")


@route("POST", "/v1/transfers/<id>", params="description metadata")
def update_transfer(call: Call) -> Json:
    transfer = call.store.get(call.arg(), "transfer")
    if "description" in call.params:
        transfer["description"] = call.params.text("description")
    transfer["metadata"] = call.params.metadata(transfer["metadata"])
    call.store.save(transfer)
    emit(call.store, "transfer.updated", transfer)
    return transfer


@route(
    "POST",
    "/v1/transfers/<id>/reversals",
    params="amount description metadata refund_application_fee",
)
def create_reversal(call: Call) -> Json:
    transfer = call.store.get(call.arg(), "transfer")
    amount = call.params.amount("amount") if "amount" in call.params else None
    return reverse_transfer(call.store, transfer, amount, call.params.metadata())


@route("GET", "/v1/transfers/<id>/reversals", params=LIST_PARAMS)
def list_reversals(call: Call) -> Json:
    transfer = call.store.get(call.arg(), "transfer")
    return list_objects(call, "transfer_reversal", transfer=transfer["id"])


@route("GET", "/v1/transfers/<id>/reversals/<reversal>", params="")
def retrieve_reversal(call: Call) -> Json:
    return _reversal_of(call)


@route("POST", "/v1/transfers/<id>/reversals/<reversal>", params="metadata")
def update_reversal(call: Call) -> Json:
    reversal = _reversal_of(call)
    reversal["metadata"] = call.params.metadata(reversal["metadata"])
    return call.store.save(reversal)


def reverse_transfer(
    store: Store, transfer: Json, amount: int | None, metadata: dict[str, str]
) -> Json:
    """Take a transfer back, whole or in part, out of what the destination still holds."""
    rest = transfer["amount"] - transfer["amount_reversed"]
    if rest == 0:
        raise refused(f"Transfer {transfer['id']} is already fully reversed.")
    amount = rest if amount is None else amount
    if amount > rest:
        raise refused(
            f"The amount to reverse ({amount}) is greater than what remains of transfer"
            f" {transfer['id']} ({rest}).",
            param="amount",
        )
    destination = store.on(transfer["destination"])
    if available(destination, transfer["currency"]) < amount:
        raise refused(
            f"The connected account {transfer['destination']} has insufficient available funds"
            " to reverse this transfer.",
            code="balance_insufficient",
        )
    reversal: Json = {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": store.now,
        "currency": transfer["currency"],
        "destination_payment_refund": _refund_payment(destination, transfer, amount),
        "metadata": metadata,
        "source_refund": None,
        "transfer": transfer["id"],
    }
    movement = move_money(
        store,
        type_="transfer_refund",
        amount=amount,
        currency=transfer["currency"],
        source=reversal["id"],
        reporting_category="transfer_reversal",
    )
    reversal["balance_transaction"] = movement["id"]
    store.add(reversal)
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    embedded = transfer["reversals"]
    embedded["data"].insert(0, dict(reversal))
    embedded["has_more"] = embedded["has_more"] or len(embedded["data"]) > _EMBEDDED
    del embedded["data"][_EMBEDDED:]
    store.save(transfer)
    emit(store, "transfer.reversed", transfer)
    return reversal


def _ready_destination(store: Store, id_: str) -> Json:
    account = store.find(id_, ACCOUNT)
    if account is None:
        raise refused(f"No such destination: '{id_}'", code="resource_missing", param="destination")
    if not can_receive(account):
        raise refused(
            "Your destination account needs to have at least one of the following capabilities"
            " enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    return account


def _source(store: Store, id_: str | None, amount: int, currency: str) -> Json | None:
    if id_ is None:
        return None
    charge = store.get(id_, "charge", param="source_transaction")
    if charge["currency"] != currency:
        raise malformed(
            f"The currency of source_transaction's balance transaction ({charge['currency']})"
            f" must be the same as the transfer currency ({currency})",
            param="currency",
        )
    if not charge["paid"] or not charge["captured"]:
        raise refused("The source charge was not paid.", param="source_transaction")
    sent = store.select("transfer", source_transaction=id_)
    rest = charge["amount"] - sum(each["amount"] - each["amount_reversed"] for each in sent)
    if amount > rest:
        raise refused(
            f"The transfer's amount is more than what remains of the source charge ({rest}).",
            code="balance_insufficient",
            param="amount",
        )
    return charge


def _group(charge: Json | None, given: str | None) -> str | None:
    if charge is None:
        return given
    kept: str | None = charge["transfer_group"]
    if kept and given and kept != given:
        raise refused(
            "The transfer_group of a transfer must be that of its source_transaction.",
            code="transfer_source_balance_parameters_mismatch",
            param="transfer_group",
        )
    return kept or given or f"group_{charge['id']}"


def _available_on(store: Store, charge: Json | None) -> int | None:
    if charge is None or charge["balance_transaction"] is None:
        return None
    movement = store.get(charge["balance_transaction"], "balance_transaction")
    return int(movement["available_on"])


def _move(store: Store, transfer: Json, available_on: int | None) -> None:
    movement = move_money(
        store,
        type_="transfer",
        amount=-transfer["amount"],
        currency=transfer["currency"],
        source=transfer["id"],
        available_on=available_on,
        description=transfer["description"],
    )
    transfer["balance_transaction"] = movement["id"]
    destination = store.on(transfer["destination"])
    payment = _payment(destination, transfer)
    received = move_money(
        destination,
        type_="payment",
        amount=transfer["amount"],
        currency=transfer["currency"],
        source=payment["id"],
        available_on=available_on,
        reporting_category="charge",
    )
    payment["balance_transaction"] = received["id"]
    destination.add(payment)
    transfer["destination_payment"] = payment["id"]
    emit(destination, "payment.created", payment)


def _payment(store: Store, transfer: Json) -> Json:
    """Return what the transfer is on the account that receives it: a charge named ``py_``."""
    return {
        "id": new_id("py"),
        "object": "charge",
        "amount": transfer["amount"],
        "amount_captured": transfer["amount"],
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {
            "address": None,
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "captured": True,
        "created": store.now,
        "currency": transfer["currency"],
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "outcome": None,
        "paid": True,
        "payment_intent": None,
        "payment_method": None,
        "refunded": False,
        "source_transfer": transfer["id"],
        "status": "succeeded",
        "transfer_group": transfer["transfer_group"],
    }


def _refund_payment(store: Store, transfer: Json, amount: int) -> str:
    payment = store.get(transfer["destination_payment"], "charge")
    refund: Json = {
        "id": new_id("pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": payment["id"],
        "created": store.now,
        "currency": transfer["currency"],
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "status": "succeeded",
    }
    movement = move_money(
        store,
        type_="payment_refund",
        amount=-amount,
        currency=transfer["currency"],
        source=refund["id"],
        reporting_category="refund",
    )
    refund["balance_transaction"] = movement["id"]
    store.add(refund)
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    store.save(payment)
    refund_id: str = refund["id"]
    return refund_id


def _reversal_of(call: Call) -> Json:
    transfer = call.store.get(call.arg(), "transfer")
    reversal = call.store.get(call.arg("reversal"), "transfer_reversal")
    if reversal["transfer"] != transfer["id"]:
        raise refused(f"No such transfer reversal: '{reversal['id']}'", code="resource_missing")
    return reversal
