"""Events: what happened, as a snapshot, and the webhooks that will carry it."""

from __future__ import annotations

import json

from stripe_sandbox.objects import API_VERSION, Json, new_id, public
from stripe_sandbox.store import Store, index_fields

index_fields("event", "type")
index_fields("webhook_endpoint", "status")


def emit(store: Store, type_: str, about: Json, previous: Json | None = None) -> Json:
    """Record that something happened to an object, and queue it for the endpoints that listen."""
    content: Json = {"object": json.loads(json.dumps(public(about)))}
    if previous is not None:
        content["previous_attributes"] = previous
    endpoints = _listening(store, type_)
    event: Json = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": store.now,
        "data": content,
        "livemode": False,
        "pending_webhooks": len(endpoints),
        "request": store.transaction.request or {"id": None, "idempotency_key": None},
        "type": type_,
    }
    if not store.is_platform:
        event["account"] = store.account
    twins = [event]
    if endpoints and store.settings["webhooks"]["duplicate"] == "event":
        twins.append({**event, "id": new_id("evt")})
    for twin in twins:
        store.add(twin)
        for endpoint in endpoints:
            queue_delivery(store, endpoint, twin)
    return event


def queue_delivery(store: Store, endpoint: Json, event: Json) -> None:
    """Put an event in the outbox for one endpoint, as the webhook knobs say."""
    knobs = store.settings["webhooks"]
    for _ in range(2 if knobs["duplicate"] == "delivery" else 1):
        store.execute(
            "INSERT INTO delivery (endpoint, event, payload, next_at) VALUES (?, ?, ?, ?)",
            (
                endpoint["id"],
                event["id"],
                json.dumps(event, indent=2),
                store.now + knobs["delay_seconds"],
            ),
        )
        store.transaction.deliveries += 1


def _listening(store: Store, type_: str) -> list[Json]:
    return [
        endpoint
        for endpoint in store.platform.select("webhook_endpoint", status="enabled")
        if endpoint["_connect"] != store.is_platform
        and ("*" in endpoint["enabled_events"] or type_ in endpoint["enabled_events"])
    ]
