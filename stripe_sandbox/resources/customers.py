"""Customers."""

from __future__ import annotations

from typing import Any, Final

from stripe_sandbox.errors import refused
from stripe_sandbox.events import emit
from stripe_sandbox.lists import LIST_PARAMS, list_objects
from stripe_sandbox.objects import Json, new_id, public
from stripe_sandbox.routing import Call, route
from stripe_sandbox.store import Store, index_fields

index_fields("customer", "email", "_is_listed")

_TEXTS: Final = ("description", "email", "name", "phone")
_TAKEN: Final = (
    "address description email invoice_settings metadata name phone preferred_locales shipping"
)


@route("POST", "/v1/customers", params=f"{_TAKEN} payment_method tax_exempt")
def create_customer(call: Call) -> Json:
    return new_customer(
        call.store,
        **{name: call.params.text(name) for name in _TEXTS},
        metadata=call.params.metadata(),
        address=call.params.values.get("address") or None,
        shipping=call.params.values.get("shipping") or None,
        preferred_locales=call.params.texts("preferred_locales"),
    )


def new_customer(store: Store, **given: Any) -> Json:
    customer = store.add(
        {
            "id": new_id("cus", 14),
            "object": "customer",
            "_is_listed": "yes",
            "address": None,
            "balance": 0,
            "created": store.now,
            "currency": None,
            "customer_account": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "email": None,
            "invoice_prefix": new_id("x", 8)[2:].upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": {},
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
            **given,
        }
    )
    emit(store, "customer.created", customer)
    return customer


def get_customer(store: Store, id_: str) -> Json:
    """Return a customer named in a parameter, which must not be deleted."""
    customer = store.get(id_, "customer", param="customer")
    if customer.get("deleted"):
        raise refused(f"No such customer: '{id_}'", code="resource_missing", param="customer")
    return customer


@route("GET", "/v1/customers/<id>", params="")
def retrieve_customer(call: Call) -> Json:
    return call.store.get(call.arg(), "customer")


@route("POST", "/v1/customers/<id>", params=_TAKEN)
def update_customer(call: Call) -> Json:
    customer = get_customer(call.store, call.arg())
    before = public(customer)
    for name in _TEXTS:
        if name in call.params:
            customer[name] = call.params.text(name)
    customer["metadata"] = call.params.metadata(customer["metadata"])
    call.store.save(customer)
    changed = {name: value for name, value in before.items() if customer[name] != value}
    if changed:
        emit(call.store, "customer.updated", customer, changed)
    return customer


@route("DELETE", "/v1/customers/<id>", params="")
def delete_customer(call: Call) -> Json:
    customer = get_customer(call.store, call.arg())
    emit(call.store, "customer.deleted", customer)
    for method in call.store.select("payment_method", customer=customer["id"]):
        method["customer"] = None
        call.store.save(method)
    gone = {"id": customer["id"], "object": "customer", "deleted": True}
    customer.clear()
    customer.update(gone)
    return call.store.save(customer)


@route("GET", "/v1/customers", params=f"{LIST_PARAMS} created email")
def list_customers(call: Call) -> Json:
    return list_objects(call, "customer", "email", _is_listed="yes")
