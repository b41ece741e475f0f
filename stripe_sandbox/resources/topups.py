"""Top-ups: the operator's own money, put on the platform's balance."""

from __future__ import annotations

from stripe_sandbox.errors import refused
from stripe_sandbox.events import emit
from stripe_sandbox.lists import LIST_PARAMS, list_objects
from stripe_sandbox.money import move_money
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.routing import Call, route
from stripe_sandbox.store import Store, index_fields

index_fields("topup", "status", "amount")


@route(
    "POST",
    "/v1/topups",
    params="amount currency description metadata source statement_descriptor transfer_group",
)
def create_topup(call: Call) -> Json:
    return top_up(
        call.store,
        call.params.amount("amount"),
        call.params.currency(),
        description=call.params.text("description"),
        statement_descriptor=call.params.text("statement_descriptor", max_length=15),
        transfer_group=call.params.text("transfer_group"),
        metadata=call.params.metadata(),
    )


@route("GET", "/v1/topups", params=f"{LIST_PARAMS} amount created status")
def list_topups(call: Call) -> Json:
    return list_objects(call, "topup", "amount", "status")


@route("GET", "/v1/topups/<id>", params="")
def retrieve_topup(call: Call) -> Json:
    return call.store.get(call.arg(), "topup")


@route("POST", "/v1/topups/<id>", params="description metadata")
def update_topup(call: Call) -> Json:
    topup = call.store.get(call.arg(), "topup")
    if "description" in call.params:
        topup["description"] = call.params.text("description")
    topup["metadata"] = call.params.metadata(topup["metadata"])
    return call.store.save(topup)


@route("POST", "/v1/topups/<id>/cancel", params="")
def cancel_topup(call: Call) -> Json:
    topup = call.store.get(call.arg(), "topup")
    raise refused(f"Only a pending top-up can be canceled; {topup['id']} is {topup['status']}.")


def top_up(
    store: Store,
    amount: int,
    currency: str,
    *,
    description: str | None = None,
    statement_descriptor: str | None = None,
    transfer_group: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Json:
    """Put money on the balance; it counts at once, as Stripe's test source does."""
    topup: Json = {
        "id": new_id("tu"),
        "object": "topup",
        "amount": amount,
        "balance_transaction": None,
        "created": store.now,
        "currency": currency,
        "description": description,
        "expected_availability_date": store.now,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": metadata or {},
        "source": None,
        "statement_descriptor": statement_descriptor,
        "status": "pending",
        "transfer_group": transfer_group,
    }
    store.add(topup)
    emit(store, "topup.created", topup)
    movement = move_money(
        store,
        type_="topup",
        amount=amount,
        currency=currency,
        source=topup["id"],
        description=description,
    )
    topup |= {"balance_transaction": movement["id"], "status": "succeeded"}
    store.save(topup)
    emit(store, "topup.succeeded", topup)
    return topup
