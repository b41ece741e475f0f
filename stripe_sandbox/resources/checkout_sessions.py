"""Checkout Sessions: a hosted page that takes one payment, or saves one card."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from stripe_sandbox.errors import ApiError, malformed, missing_param, refused
from stripe_sandbox.events import emit
from stripe_sandbox.expansion import included_when_expanded
from stripe_sandbox.forms import Params
from stripe_sandbox.lists import LIST_PARAMS, list_objects, list_of
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.resources.customers import get_customer
from stripe_sandbox.resources.line_items import read_line_items
from stripe_sandbox.resources.payment_intents import cancel_intent, check_amount
from stripe_sandbox.resources.setup_intents import cancel_setup, new_setup_intent
from stripe_sandbox.routing import Call, route
from stripe_sandbox.store import Store, index_fields, when_due

index_fields("checkout.session", "customer", "payment_intent", "status", "customer_details.email")

_SHORTEST, _LONGEST = 30 * 60, 24 * 3600
_CLOCK_SKEW: Final = 60
_MODES: Final = ("payment", "setup", "subscription")
_INTENT_TEXTS: Final = ("description", "receipt_email", "transfer_group")
_INTENT_DATA: Final = frozenset(
    {
        *_INTENT_TEXTS,
        "application_fee_amount",
        "capture_method",
        "metadata",
        "on_behalf_of",
        "setup_future_usage",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
    }
)
_TAKEN: Final = (
    "adaptive_pricing after_expiration allow_promotion_codes allowed_payment_method_types"
    " automatic_tax billing_address_collection branding_settings cancel_url client_reference_id"
    " consent_collection currency custom_fields custom_text customer customer_account"
    " customer_creation customer_email customer_update discounts excluded_payment_method_types"
    " expires_at integration_identifier invoice_creation line_items locale managed_payments"
    " metadata mode name_collection optional_items origin_context payment_intent_data"
    " payment_method_collection payment_method_configuration payment_method_data"
    " payment_method_options permissions phone_number_collection redirect_on_completion"
    " return_url saved_payment_method_options setup_intent_data shipping_address_collection"
    " shipping_options submit_type subscription_data success_url tax_id_collection ui_mode"
    " wallet_options"
)


@route("POST", "/v1/checkout/sessions", params=_TAKEN)
def create_session(call: Call) -> Json:
    params, store = call.params, call.store
    mode = params.choice("mode", _MODES)
    if mode is None:
        raise missing_param("mode")
    if mode == "subscription":
        raise refused("This sandbox has no subscriptions.", param="mode")
    customer, email = params.text("customer"), params.text("customer_email")
    if customer is not None:
        if email is not None:
            raise malformed(
                "You may only specify one of these parameters: customer, customer_email.",
                param="customer_email",
            )
        get_customer(store, customer)
    session = _new_session(call, mode, customer, email)
    if mode == "payment":
        _add_payment(store, session, params)
    else:
        _add_setup(store, session, params)
    store.add(session)
    store.schedule(session["expires_at"], "session_expires", session["id"])
    return session


def _add_payment(store: Store, session: Json, params: Params) -> None:
    items = read_line_items(store, params)
    currency, total = items[0]["currency"], sum(item["amount_total"] for item in items)
    if any(item["currency"] != currency for item in items):
        raise refused(
            "All line items must have the same currency.",
            code="checkout_session_line_items_currency_mismatch",
            param="line_items",
        )
    check_amount(total)
    wanted = params.branch("payment_intent_data")
    wanted.allow(_INTENT_DATA)
    intent: Json = {name: wanted.text(name) for name in _INTENT_TEXTS}
    intent["metadata"] = wanted.metadata()
    intent["setup_future_usage"] = wanted.choice(
        "setup_future_usage", ("off_session", "on_session")
    )
    intent["capture_method"] = (
        wanted.choice("capture_method", ("automatic", "automatic_async", "manual"))
        or "automatic_async"
    )
    session.update(
        amount_subtotal=total,
        amount_total=total,
        currency=currency,
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        _line_items=items,
        _intent=intent,
    )


def _add_setup(store: Store, session: Json, params: Params) -> None:
    wanted = params.branch("setup_intent_data")
    wanted.allow(("description", "metadata", "on_behalf_of"))
    session["currency"] = params.text("currency")
    intent = new_setup_intent(
        store,
        customer=session["customer"],
        description=wanted.text("description"),
        metadata=wanted.metadata(),
        _session=session["id"],
    )
    session["setup_intent"] = intent["id"]


def _new_session(call: Call, mode: str, customer: str | None, email: str | None) -> Json:
    params, store = call.params, call.store
    id_ = new_id("cs_test", 56)
    creation = params.choice("customer_creation", ("always", "if_required"))
    return {
        "id": id_,
        "object": "checkout.session",
        **_unused(),
        "allowed_payment_method_types": params.texts("allowed_payment_method_types") or None,
        "cancel_url": _url(params, "cancel_url"),
        "client_reference_id": params.text("client_reference_id", max_length=200),
        "created": store.now,
        "customer": customer,
        "customer_creation": None
        if customer
        else creation or ("if_required" if mode == "payment" else "always"),
        "customer_details": _customer_details(store, customer, email),
        "customer_email": email,
        "expires_at": _expiry(store, params),
        "livemode": False,
        "locale": params.text("locale"),
        "metadata": params.metadata(),
        "mode": mode,
        "payment_method_collection": "if_required" if mode == "payment" else "always",
        "payment_method_types": ["card"],
        "payment_status": "unpaid" if mode == "payment" else "no_payment_required",
        "status": "open",
        "submit_type": params.text("submit_type"),
        "success_url": _url(params, "success_url", required=True),
        "ui_mode": params.choice("ui_mode", ("hosted_page",)) or "hosted_page",
        "url": f"{call.base_url}/c/pay/{store.transaction.own_account}/{id_}",
    }


def _unused() -> Json:
    """Return what this sandbox never fills, or fills later."""
    return {
        "adaptive_pricing": None,
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "currency": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer_account": None,
        "discounts": [],
        "invoice": None,
        "invoice_creation": None,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_configuration_details": None,
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "subscription": None,
        "total_details": None,
        "wallet_options": None,
    }


def _url(params: Params, name: str, *, required: bool = False) -> str | None:
    value = params.need_text(name) if required else params.text(name)
    if value is not None:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise malformed("Not a valid URL", code="url_invalid", param=name)
    return value


def _expiry(store: Store, params: Params) -> int:
    given = params.integer("expires_at")
    if given is None:
        return store.now + _LONGEST
    ahead = given - store.now
    if not _SHORTEST - _CLOCK_SKEW <= ahead <= _LONGEST + _CLOCK_SKEW:
        raise refused(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout"
            " Session creation.",
            param="expires_at",
        )
    return given


def _customer_details(store: Store, customer: str | None, email: str | None) -> Json | None:
    if customer is not None:
        email = store.get(customer, "customer")["email"]
    if email is None:
        return None
    return details_of(email, None)


def details_of(email: str | None, name: str | None) -> Json:
    """Return what a session shows of the person who pays."""
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": None,
    }


@route("GET", "/v1/checkout/sessions/<id>", params="")
def retrieve_session(call: Call) -> Json:
    return call.store.get(call.arg(), "checkout.session")


@route("POST", "/v1/checkout/sessions/<id>", params="collected_information metadata")
def update_session(call: Call) -> Json:
    session = call.store.get(call.arg(), "checkout.session")
    session["metadata"] = call.params.metadata(session["metadata"])
    return call.store.save(session)


@route("POST", "/v1/checkout/sessions/<id>/expire", params="")
def expire_session(call: Call) -> Json:
    session = call.store.get(call.arg(), "checkout.session")
    if session["status"] != "open":
        raise ApiError(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
            f" Session has a status of {session['status']}.",
        )
    return end_session(call.store, session)


def end_session(store: Store, session: Json) -> Json:
    """Close a session nobody paid, and cancel its intent."""
    session.update(status="expired", url=None)
    store.save(session)
    store.unschedule("session_expires", session["id"])
    if (intent := session["payment_intent"]) is not None:
        cancel_intent(store, store.get(intent, "payment_intent"), "expired")
    if (setup := session["setup_intent"]) is not None:
        cancel_setup(store, store.get(setup, "setup_intent"), None)
    emit(store, "checkout.session.expired", session)
    return session


@when_due("session_expires")
def expire_by_itself(store: Store, session_id: str) -> None:
    session = store.get(session_id, "checkout.session")
    if session["status"] == "open":
        end_session(store, session)


@route("GET", "/v1/checkout/sessions/<id>/line_items", params=LIST_PARAMS)
def list_line_items(call: Call) -> Json:
    return line_items_of(call.store, call.store.get(call.arg(), "checkout.session"))


@included_when_expanded("checkout.session", "line_items")
def line_items_of(store: Store, session: Json) -> Json:
    stored = store.get(session["id"], "checkout.session")
    return list_of(
        stored.get("_line_items", []), url=f"/v1/checkout/sessions/{stored['id']}/line_items"
    )


@route(
    "GET",
    "/v1/checkout/sessions",
    params=f"{LIST_PARAMS} created customer customer_account customer_details payment_intent"
    " payment_link status subscription",
)
def list_sessions(call: Call) -> Json:
    fixed = {}
    if (email := call.params.branch("customer_details").text("email")) is not None:
        fixed["customer_details.email"] = email
    return list_objects(call, "checkout.session", "customer", "payment_intent", "status", **fixed)
