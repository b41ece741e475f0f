"""The bank's 3-D Secure page, with its two outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from stripe_sandbox.errors import ApiError
from stripe_sandbox.objects import Json
from stripe_sandbox.pages.language import format_amount, t
from stripe_sandbox.pages.parts import found, opened, opened_platform, show_message
from stripe_sandbox.resources.checkout_payment import finish_three_d_secure, success_url_of
from stripe_sandbox.store import Store

blueprint = Blueprint("three_d_secure", __name__)

_ADDRESS: Final = "/3ds/<platform>/<intent_id>"
_SEE_OTHER: Final = 303


@dataclass(frozen=True)
class AuthenticationPage:
    """What the bank says it is asked for."""

    merchant: str
    amount: str
    last4: str


@blueprint.get(_ADDRESS)
def show(platform: str, intent_id: str) -> ResponseReturnValue:
    with opened(platform) as store:
        intent = _intent(store, intent_id)
        if intent["status"] != "requires_action":
            return _over(store, intent)
        method = found(store, intent["payment_method"], "payment_method")
        amount = ""
        if intent["object"] == "payment_intent":
            amount = format_amount(intent["amount"], intent["currency"])
        page = AuthenticationPage(store.settings["business_name"], amount, method["card"]["last4"])
        return render_template("three_d_secure.html", page=page)


@blueprint.post(_ADDRESS)
def end(platform: str, intent_id: str) -> ResponseReturnValue:
    """Pass or fail; a card may still be declined after a passed authentication."""
    succeeds = request.form.get("outcome") == "complete"
    with opened_platform(platform) as (opened_one, store):
        intent = _intent(store, intent_id)
        if intent["status"] != "requires_action":
            return _over(store, intent)
        is_refused = False
        try:
            with opened_one.attempt(store):
                finish_three_d_secure(store, intent_id, succeeds=succeeds)
        except ApiError:
            is_refused = True
        return redirect(_next(store, _intent(store, intent_id), is_refused), _SEE_OTHER)


def _intent(store: Store, id_: str) -> Json:
    return found(store, id_, "setup_intent" if id_.startswith("seti_") else "payment_intent")


def _next(store: Store, intent: Json, is_refused: bool) -> str:
    """Return where the cardholder goes: back to the form, on to the merchant, or nowhere."""
    if (session_id := intent.get("_session")) is not None:
        session = found(store, session_id, "checkout.session")
        if is_refused:
            return f"/c/pay/{store.account}/{session_id}?refused=1"
        return success_url_of(session)
    if (return_url := intent.get("_return_url")) is not None:
        outcome = "failed" if is_refused else "succeeded"
        return _with_query(return_url, **{intent["object"]: intent["id"]}, redirect_status=outcome)
    return request.path


def _over(store: Store, intent: Json) -> ResponseReturnValue:
    session_id = intent.get("_session")
    link = f"/c/pay/{store.account}/{session_id}" if session_id else None
    return show_message(
        t("Nothing to confirm"),
        t("This authentication is over. You can close this page."),
        link=link,
        link_text=t("Go on"),
    )


def _with_query(url: str, **values: str) -> str:
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *values.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))
