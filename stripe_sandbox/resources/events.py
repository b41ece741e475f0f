"""Events, to be fetched again by whoever missed or doubts a webhook."""

from __future__ import annotations

from stripe_sandbox.errors import malformed
from stripe_sandbox.lists import LIST_PARAMS, list_objects
from stripe_sandbox.objects import Json
from stripe_sandbox.routing import Call, route


@route("GET", "/v1/events/<id>", params="")
def retrieve_event(call: Call) -> Json:
    return call.store.get(call.arg(), "event")


@route("GET", "/v1/events", params=f"{LIST_PARAMS} created delivery_success type types")
def list_events(call: Call) -> Json:
    types = call.params.texts("types")
    if len(types) > 1:
        raise malformed("This sandbox filters by one type at a time.", param="types")
    return list_objects(call, "event", "type", **({"type": types[0]} if types else {}))
