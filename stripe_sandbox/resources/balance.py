"""The balance and its transactions."""

from __future__ import annotations

from stripe_sandbox.lists import LIST_PARAMS, list_objects
from stripe_sandbox.money import balance_object
from stripe_sandbox.objects import Json
from stripe_sandbox.routing import Call, route


@route("GET", "/v1/balance", params="")
def retrieve_balance(call: Call) -> Json:
    return balance_object(call.store)


@route(
    "GET",
    "/v1/balance_transactions",
    params=f"{LIST_PARAMS} created currency payout source type",
)
def list_balance_transactions(call: Call) -> Json:
    return list_objects(call, "balance_transaction", "currency", "payout", "source", "type")


@route("GET", "/v1/balance_transactions/<id>", params="")
def retrieve_balance_transaction(call: Call) -> Json:
    return call.store.get(call.arg(), "balance_transaction")
