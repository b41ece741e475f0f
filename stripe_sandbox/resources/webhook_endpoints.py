"""Webhook endpoints: where events are sent, and the secret they are signed with."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from stripe_sandbox.errors import malformed, missing_param
from stripe_sandbox.forms import Params
from stripe_sandbox.lists import LIST_PARAMS, list_objects
from stripe_sandbox.objects import API_VERSION, Json, new_id, public
from stripe_sandbox.routing import Call, ControlCall, control, route
from stripe_sandbox.store import Store

_TAKEN: Final = "api_version connect description enabled_events metadata url"


def _new_endpoint(
    store: Store, params: Params, enabled_events: list[str], secret: str | None
) -> Json:
    return store.add(
        {
            "id": new_id("we"),
            "object": "webhook_endpoint",
            "_connect": params.boolean("connect"),
            "api_version": params.text("api_version") or API_VERSION,
            "application": None,
            "created": store.now,
            "description": params.text("description"),
            "enabled_events": enabled_events,
            "livemode": False,
            "metadata": params.metadata(),
            "secret": secret or new_id("whsec", 32),
            "status": "enabled",
            "url": _url(params),
        }
    )


def _url(params: Params) -> str:
    url = params.need_text("url")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise malformed("Invalid URL: an explicit scheme must be provided.", param="url")
    return url


def _without_secret(endpoint: Json) -> Json:
    return {key: value for key, value in endpoint.items() if key != "secret"}


@route("POST", "/v1/webhook_endpoints", params=_TAKEN)
def create_endpoint(call: Call) -> Json:
    enabled = call.params.texts("enabled_events")
    if not enabled:
        raise missing_param("enabled_events")
    return _new_endpoint(call.store, call.params, enabled, None)


@route("GET", "/v1/webhook_endpoints/<id>", params="")
def retrieve_endpoint(call: Call) -> Json:
    return _without_secret(call.store.get(call.arg(), "webhook_endpoint"))


@route(
    "POST",
    "/v1/webhook_endpoints/<id>",
    params="description disabled enabled_events metadata url",
)
def update_endpoint(call: Call) -> Json:
    endpoint, params = call.store.get(call.arg(), "webhook_endpoint"), call.params
    if "url" in params:
        endpoint["url"] = _url(params)
    if enabled := params.texts("enabled_events"):
        endpoint["enabled_events"] = enabled
    if "disabled" in params:
        endpoint["status"] = "disabled" if params.boolean("disabled") else "enabled"
    if "description" in params:
        endpoint["description"] = params.text("description")
    endpoint["metadata"] = params.metadata(endpoint["metadata"])
    return _without_secret(call.store.save(endpoint))


@route("DELETE", "/v1/webhook_endpoints/<id>", params="")
def delete_endpoint(call: Call) -> Json:
    call.store.get(call.arg(), "webhook_endpoint")
    call.store.delete(call.arg())
    return {"id": call.arg(), "object": "webhook_endpoint", "deleted": True}


@route("GET", "/v1/webhook_endpoints", params=LIST_PARAMS)
def list_endpoints(call: Call) -> Json:
    found = list_objects(call, "webhook_endpoint")
    return {**found, "data": [_without_secret(endpoint) for endpoint in found["data"]]}


@control("POST", "/_sandbox/webhook_endpoints")
def register_endpoint(call: ControlCall) -> Json:
    """Create or replace the endpoint of a URL, with a secret the listener already knows."""
    enabled = call.params.texts("enabled_events") or ["*"]
    with call.platform.transaction() as store:
        for endpoint in store.select("webhook_endpoint"):
            if (endpoint["url"], endpoint["_connect"]) == (
                call.params.text("url"),
                call.params.boolean("connect"),
            ):
                store.delete(endpoint["id"])
        return public(_new_endpoint(store, call.params, enabled, call.params.text("secret")))
