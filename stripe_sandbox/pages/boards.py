"""What the dashboard shows of each object: rows, facts and the acts it offers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from stripe_sandbox.objects import Json, public
from stripe_sandbox.pages.language import format_amount, format_instant, plain_amount, t
from stripe_sandbox.pages.tones import shown_status, tone_of
from stripe_sandbox.resources.accounts import TYPE as ACCOUNT
from stripe_sandbox.resources.accounts import transfers_status


@dataclass(frozen=True)
class Row:
    """One object in a list."""

    name: str
    amount: str = ""
    detail: str = ""
    status: str = ""
    tone: str = ""
    href: str = ""


@dataclass(frozen=True)
class Listing:
    """Rows under a heading."""

    name: str
    rows: list[Row]
    nothing: str


@dataclass(frozen=True)
class Fact:
    """One thing known of an object."""

    name: str
    value: str
    is_id: bool = False


@dataclass(frozen=True)
class Choice:
    """One button."""

    value: str
    name: str
    tone: str = ""


@dataclass(frozen=True)
class Action:
    """One form: an amount, if it takes one, and its buttons."""

    name: str
    choices: list[Choice]
    amount: str | None = None
    currency: str = ""


@dataclass(frozen=True)
class Section:
    """One entry of the navigation."""

    href: str
    name: str
    is_current: bool


@dataclass
class Board:
    """One page of the dashboard."""

    platform: str
    title: str
    sections: list[Section] = field(default_factory=list)
    figures: list[Fact] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    lists: list[Listing] = field(default_factory=list)
    json: str = ""
    older: str = ""
    newer: str = ""
    refusal: str = ""


def charge_state(charge: Json) -> str:
    """Return the one word for a charge."""
    if charge["disputed"]:
        return "disputed"
    if charge["refunded"]:
        return "refunded"
    if charge["amount_refunded"]:
        return "partially_refunded"
    state: str = charge["status"]
    return state


def transfer_state(transfer: Json) -> str:
    if transfer["reversed"]:
        return "reversed"
    return "partially_reversed" if transfer["amount_reversed"] else "succeeded"


def account_state(account: Json) -> str:
    if account["closed"]:
        return "closed"
    return transfers_status(account) or "restricted"


def state_of(stored: Json) -> str:
    """Return the state of any object, or nothing if it has none."""
    return _STATES.get(stored["object"], _status)(stored)


def row_of(stored: Json, href: str) -> Row:
    """Return an object as one row, whatever it is."""
    kind = stored["object"]
    if kind == ACCOUNT:
        state = state_of(stored)
        name = stored["display_name"] or stored["contact_email"] or stored["id"]
        return Row(name, "", stored["id"], shown_status(state), tone_of(state), href)
    if kind == "event":
        about = stored["data"]["object"].get("id", "")
        return Row(stored["type"], "", f"{format_instant(stored['created'])} · {about}", href=href)
    state = state_of(stored)
    is_movement = kind == "balance_transaction"
    name = _name(stored) if is_movement else stored.get("description") or _name(stored)
    if is_movement:
        href = ""
        detail = t(
            "fee %(fee)s · available %(time)s",
            fee=format_amount(stored["fee"], stored["currency"]),
            time=format_instant(stored["available_on"]),
        )
    else:
        detail = format_instant(stored["created"])
    amount = format_amount(stored["amount"], stored["currency"])
    return Row(name, amount, detail, shown_status(state), tone_of(state), href)


def facts_of(stored: Json) -> list[Fact]:
    """Return what is worth reading of an object."""
    facts = [Fact(t("Identifier"), stored["id"], is_id=True)]
    if "amount" in stored:
        facts.append(Fact(t("Amount"), format_amount(stored["amount"], stored["currency"])))
    for name, label in _labels().items():
        if value := stored.get(name):
            shown = format_amount(value, stored["currency"]) if name in _AMOUNTS else str(value)
            facts.append(Fact(label, shown, is_id=name not in _AMOUNTS))
    if state := state_of(stored):
        facts.append(Fact(t("State"), shown_status(state)))
    if isinstance(stored.get("created"), int):
        facts.append(Fact(t("Created"), format_instant(stored["created"])))
    facts += [
        Fact(name, str(value), is_id=True) for name, value in (stored.get("metadata") or {}).items()
    ]
    return facts


def actions_of(stored: Json) -> list[Action]:
    """Return what can be done by hand with an object."""
    build = _ACTIONS.get(stored["object"])
    return build(stored) if build else []


def as_text(stored: Json) -> str:
    return json.dumps(public(stored), indent=2, ensure_ascii=False)


_AMOUNTS: Final = ("amount_refunded", "amount_reversed")


def _labels() -> dict[str, str]:
    return {
        "amount_refunded": t("Refunded"),
        "amount_reversed": t("Reversed"),
        "payment_intent": t("PaymentIntent"),
        "charge": t("Payment"),
        "customer": t("Customer"),
        "destination": t("Account"),
        "transfer_group": t("Transfer group"),
        "failure_message": t("Failure"),
        "reason": t("Reason"),
    }


def _status(stored: Json) -> str:
    return str(stored.get("status") or "")


def _name(stored: Json) -> str:
    """Return what an object is called in a list when it has no words of its own."""
    kind = stored["object"]
    if kind == "balance_transaction":
        category = stored["reporting_category"]
        return _categories().get(category) or str(category)
    if kind == "charge":
        return str(stored["billing_details"]["name"] or t("Payment"))
    if kind == "dispute":
        is_inquiry = stored["status"].startswith("warning_")
        return t("Inquiry") if is_inquiry else t("Dispute for fraud")
    if kind == "transfer":
        return str(stored["transfer_group"] or t("Transfer"))
    return {"refund": t("Refunded"), "transfer_reversal": t("Reversed")}[kind]


def _categories() -> dict[str, str]:
    return {
        "charge": t("Payment"),
        "dispute": t("Dispute for fraud"),
        "dispute_reversal": t("Dispute won"),
        "payout": t("Payout"),
        "payout_reversal": t("Payout returned"),
        "refund": t("Refunded"),
        "refund_failure": t("Refund failed"),
        "topup": t("Top-up"),
        "transfer": t("Transfer"),
        "transfer_reversal": t("Reversed"),
    }


def _for_charge(charge: Json) -> list[Action]:
    if charge["status"] != "succeeded":
        return []
    currency = charge["currency"]
    rest = charge["amount"] - charge["amount_refunded"]
    actions = []
    if rest and not charge.get("_charged_back"):
        refund = Choice("refund", t("Refund"), "danger")
        rest_shown = plain_amount(rest, currency)
        actions.append(Action(t("Refund by hand"), [refund], rest_shown, currency.upper()))
    if not charge["disputed"]:
        kinds = [
            Choice("fraudulent", t("Dispute as fraudulent"), "danger"),
            Choice("inquiry", t("Open an inquiry")),
        ]
        actions.append(Action(t("Have the bank contest it"), kinds))
    return actions


def _for_account(account: Json) -> list[Action]:
    if account["closed"]:
        return []
    choices = [
        Choice("complete", t("Make it ready")),
        Choice("restricted", t("Restrict it"), "danger"),
        Choice("close", t("Close it"), "danger"),
    ]
    return [Action(t("Change its state"), choices)]


def _for_transfer(transfer: Json) -> list[Action]:
    rest = transfer["amount"] - transfer["amount_reversed"]
    if not rest:
        return []
    currency = transfer["currency"]
    reverse = Choice("reverse", t("Take back"), "danger")
    rest_shown = plain_amount(rest, currency)
    return [Action(t("Reverse the transfer"), [reverse], rest_shown, currency.upper())]


def _for_dispute(dispute: Json) -> list[Action]:
    if dispute["status"] in {"won", "lost", "warning_closed"}:
        return []
    if dispute["status"].startswith("warning_"):
        choices = [
            Choice("win", t("Close the inquiry")),
            Choice("escalate", t("Turn it into a dispute"), "danger"),
        ]
    else:
        choices = [Choice("win", t("Won")), Choice("lose", t("Lost"), "danger")]
    return [Action(t("Decide"), choices)]


_STATES: Final[dict[str, Callable[[Json], str]]] = {
    "charge": charge_state,
    "transfer": transfer_state,
    ACCOUNT: account_state,
}
_ACTIONS: Final[dict[str, Callable[[Json], list[Action]]]] = {
    "charge": _for_charge,
    ACCOUNT: _for_account,
    "transfer": _for_transfer,
    "dispute": _for_dispute,
}
