"""The hosted checkout page: what is paid, a card form, and what the bank answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Final

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from stripe_sandbox.errors import ApiError
from stripe_sandbox.objects import Json
from stripe_sandbox.pages.card_form import TypedCard, field_of, read_form, saying_of
from stripe_sandbox.pages.card_list import OfferedCard, offered_cards
from stripe_sandbox.pages.language import format_amount, t
from stripe_sandbox.pages.parts import found, opened, opened_platform, show_message
from stripe_sandbox.platforms import Platform
from stripe_sandbox.resources.checkout_payment import pay_session, success_url_of
from stripe_sandbox.store import Store

blueprint = Blueprint("checkout", __name__)

_ADDRESS: Final = "/c/pay/<platform>/<session_id>"
_SEE_OTHER: Final = 303
_FILLED: Final = {"expiry": "12 / 34", "cvc": "123", "name": "Test"}


@dataclass(frozen=True)
class Item:
    """One line of the order."""

    name: str
    quantity: int
    total: str


@dataclass(frozen=True)
class CheckoutPage:
    """What the page shows of a session."""

    path: str
    title: str
    merchant: str
    is_setup: bool
    total: str
    items: list[Item]
    email: str
    cancel_url: str
    minutes_left: int
    test_cards: list[OfferedCard] = field(default_factory=offered_cards)


@blueprint.get(_ADDRESS)
def show(platform: str, session_id: str) -> ResponseReturnValue:
    """Show the form, filled in with the test card that was chosen."""
    with opened(platform) as store:
        session = found(store, session_id, "checkout.session")
        if session["status"] != "open":
            return _closed(session)
        number = request.args.get("card", "")
        form = {"number": number, **_FILLED} if number else {}
        form["email"] = request.args.get("email", "")
        errors = _last_refusal(store, session) if "refused" in request.args else {}
        return _form(store, session, form, errors)


@blueprint.post(_ADDRESS)
def pay(platform: str, session_id: str) -> ResponseReturnValue:
    """Pay, and go on to the merchant or to 3-D Secure; or say beside the field what is wrong."""
    with opened_platform(platform) as (opened_one, store):
        session = found(store, session_id, "checkout.session")
        if session["status"] != "open":
            return _closed(session)
        needs_email = not _known_email(session)
        today = _today(store)
        typed, errors = read_form(request.form, needs_email=needs_email, today=today)
        if typed is not None:
            session, errors = _try(opened_one, store, session, typed)
        if errors:
            return _form(store, session, request.form, errors)
        if session["status"] == "complete":
            return redirect(success_url_of(session), _SEE_OTHER)
        intent_id = session["payment_intent"] or session["setup_intent"]
        return redirect(f"/3ds/{platform}/{intent_id}", _SEE_OTHER)


def _try(
    platform: Platform, store: Store, session: Json, typed: TypedCard
) -> tuple[Json, dict[str, str]]:
    """Pay; a refusal is shown, and the failed attempt it leaves behind is kept."""
    session_id = session["id"]
    try:
        with platform.attempt(store):
            paid = pay_session(
                store, session_id, number=typed.number, email=typed.email, name=typed.name
            )
            return paid, {}
    except ApiError as refusal:
        name, saying = field_of(refusal.decline_code or refusal.code)
        return found(store, session_id, "checkout.session"), {name: saying}


def _form(
    store: Store, session: Json, form: Mapping[str, str], errors: dict[str, str]
) -> ResponseReturnValue:
    page = render_template("checkout.html", page=_page(store, session), form=form, errors=errors)
    return page, HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK


def _page(store: Store, session: Json) -> CheckoutPage:
    merchant = store.settings["business_name"]
    is_setup = session["mode"] == "setup"
    currency = session["currency"] or store.settings["default_currency"]
    wording = "Save a card for %(merchant)s" if is_setup else "Pay %(merchant)s"
    return CheckoutPage(
        path=request.path,
        title=t(wording, merchant=merchant),
        merchant=merchant,
        is_setup=is_setup,
        total="" if is_setup else format_amount(session["amount_total"], currency),
        items=[
            Item(
                item["description"],
                item["quantity"],
                format_amount(item["amount_total"], currency),
            )
            for item in session.get("_line_items", [])
        ],
        email=_known_email(session),
        cancel_url=session["cancel_url"] or "",
        minutes_left=max(session["expires_at"] - store.now, 0) // 60,
    )


def _known_email(session: Json) -> str:
    """Return the address the merchant gave; one typed here may be corrected."""
    details = session["customer_details"] or {}
    given = session["customer_email"] or (details.get("email") if session["customer"] else None)
    return given or ""


def _last_refusal(store: Store, session: Json) -> dict[str, str]:
    """Return what the last attempt was refused for, after 3-D Secure sent the reader back."""
    intent_id = session["payment_intent"] or session["setup_intent"]
    intent = store.find(intent_id) if intent_id else None
    if intent is None:
        return {}
    name = "last_setup_error" if intent["object"] == "setup_intent" else "last_payment_error"
    error = intent[name]
    if error is None:
        return {}
    return {"form": saying_of(error.get("decline_code") or error["code"])}


def _closed(session: Json) -> ResponseReturnValue:
    if session["status"] == "expired":
        return show_message(
            t("This payment page has expired"),
            t("Nothing was charged. Go back to start again."),
            link=session["cancel_url"],
            link_text=t("Go on"),
            status=HTTPStatus.GONE,
        )
    return show_message(
        t("This is already done"),
        t("This page was used once and does not work twice."),
        link=success_url_of(session),
        link_text=t("Go on"),
    )


def _today(store: Store) -> date:
    return datetime.fromtimestamp(store.now, UTC).date()
