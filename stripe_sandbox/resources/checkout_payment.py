"""What happens on the hosted pages: a session is paid, and 3-D Secure is passed or failed."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.cards import Decline, card_of
from stripe_sandbox.errors import ApiError, malformed
from stripe_sandbox.events import emit
from stripe_sandbox.objects import Json, public
from stripe_sandbox.resources.checkout_sessions import details_of
from stripe_sandbox.resources.customers import new_customer
from stripe_sandbox.resources.intents import (
    FAILED_AUTHENTICATION,
    confirm_intent,
    new_payment_intent,
    pay_intent,
    refuse_intent,
    set_method,
)
from stripe_sandbox.resources.payment_methods import new_card_method
from stripe_sandbox.resources.setup_intents import confirm_setup, finish_setup, refuse_setup
from stripe_sandbox.routing import ControlCall, control
from stripe_sandbox.store import Store

_OUTCOMES: Final = ("complete", "fail")


def pay_session(
    store: Store,
    session_id: str,
    *,
    number: str,
    email: str | None = None,
    name: str | None = None,
) -> Json:
    """Pay an open session with a card, as its page does; return the session.

    A refused card raises the error the page shows, and what it left is to be
    kept: use ``Platform.attempt``. If the card wants 3-D Secure, the session
    stays open and its intent ``requires_action``: then ``finish_three_d_secure``.
    """
    session = store.get(session_id, "checkout.session")
    if session["status"] != "open":
        raise ApiError(f"This Checkout Session is {session['status']}.", code="session_not_open")
    card = card_of(number)
    address = email or (session["customer_details"] or {}).get("email")
    method = new_card_method(store, card, billing={"email": address, "name": name})
    session["customer_details"] = details_of(address, name)
    store.save(session)
    intent = _intent_of(store, session)
    set_method(store, intent, method)
    if intent["object"] == "setup_intent":
        intent = confirm_setup(store, intent, return_url=session["success_url"])
    else:
        intent = confirm_intent(store, intent, off_session=False, return_url=session["success_url"])
    return _complete(store, session, intent)


def finish_three_d_secure(store: Store, intent_id: str, *, succeeds: bool) -> Json:
    """End the 3-D Secure of an intent; return the intent, or raise the refusal of its card."""
    kind = "setup_intent" if intent_id.startswith("seti_") else "payment_intent"
    intent = store.get(intent_id, kind)
    if intent["status"] != "requires_action":
        raise ApiError("This authentication is over.", code=f"{kind}_unexpected_state")
    method = store.get(intent["payment_method"], "payment_method")
    if not succeeds:
        noun = "SetupIntent" if kind == "setup_intent" else "PaymentIntent"
        failed = Decline(
            f"{kind}_authentication_failure", None, FAILED_AUTHENTICATION.format(noun=noun)
        )
        if kind == "setup_intent":
            raise refuse_setup(store, intent, failed)
        raise refuse_intent(store, intent, method, failed, None)
    intent["_is_authenticated"] = True
    intent = finish_setup(store, intent) if kind == "setup_intent" else pay_intent(store, intent)
    if (session_id := intent.get("_session")) is not None:
        _complete(store, store.get(session_id, "checkout.session"), intent)
    return intent


def success_url_of(session: Json) -> str:
    """Return where a completed session sends its customer."""
    url: str = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _intent_of(store: Store, session: Json) -> Json:
    """Return the session's intent; Stripe makes a PaymentIntent at the first confirmation."""
    if session["mode"] == "setup":
        intent = store.get(session["setup_intent"], "setup_intent")
        if intent["customer"] is None and session["customer_creation"] == "always":
            intent["customer"] = session["customer"] = _customer_for(store, session)
            store.save(session)
            store.save(intent)
        return intent
    if session["payment_intent"] is not None:
        return store.get(session["payment_intent"], "payment_intent")
    wanted = session["_intent"]
    needs_customer = session["customer_creation"] == "always" or wanted["setup_future_usage"]
    if session["customer"] is None and needs_customer:
        session["customer"] = _customer_for(store, session)
    intent = new_payment_intent(
        store,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        _session=session["id"],
        **wanted,
    )
    session["payment_intent"] = intent["id"]
    store.save(session)
    return intent


def _customer_for(store: Store, session: Json) -> str:
    details = session["customer_details"]
    customer = new_customer(store, email=details["email"], name=details["name"])
    return str(customer["id"])


def _complete(store: Store, session: Json, intent: Json) -> Json:
    if intent["status"] == "requires_action":
        return session
    session.update(status="complete", url=None)
    if session["mode"] == "payment" and intent["status"] == "succeeded":
        session["payment_status"] = "paid"
    store.save(session)
    store.unschedule("session_expires", session["id"])
    emit(store, "checkout.session.completed", session)
    return session


@control("POST", "/_sandbox/checkout/<id>/pay")
def pay_at_once(call: ControlCall) -> Json:
    """Do what a customer does on the hosted page, 3-D Secure included."""
    number = call.params.text("card") or "4242424242424242"
    outcome = call.params.choice("three_d_secure", _OUTCOMES)
    with call.platform.transaction(base_url=call.base_url) as store:
        try:
            session = _pay(store, call, number, outcome)
        except ApiError as refusal:
            if not refusal.keep:
                raise
            session = store.get(call.arg(), "checkout.session")
            return {"session": public(session), "error": refusal.body("req_page")["error"]}
        return {"session": public(session), "error": None, "success_url": success_url_of(session)}


def _pay(store: Store, call: ControlCall, number: str, outcome: str | None) -> Json:
    session = pay_session(
        store,
        call.arg(),
        number=number,
        email=call.params.text("email"),
        name=call.params.text("name"),
    )
    if session["status"] == "complete" or outcome is None:
        return session
    intent_id = session["payment_intent"] or session["setup_intent"]
    if intent_id is None:
        raise malformed("This session has no intent.", param="id")
    finish_three_d_secure(store, intent_id, succeeds=outcome == "complete")
    return session
