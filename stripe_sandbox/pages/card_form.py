"""The card form of the checkout page: what was typed, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from stripe_sandbox.pages.language import t

_EXPIRY: Final = re.compile(r"(\d{1,2})\s*[/-]?\s*(\d{2}|\d{4})", re.ASCII)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CENTURY: Final = 2000
_MONTHS: Final = 12
_AUTHENTICATION: Final = "The authentication failed. Try again or use another card."


@dataclass(frozen=True)
class TypedCard:
    """What was typed, once it can be right."""

    number: str
    name: str
    email: str | None


def read_form(
    form: Mapping[str, str], *, needs_email: bool, today: date
) -> tuple[TypedCard | None, dict[str, str]]:
    """Return the card, or a sentence for each field that cannot be right."""
    errors: dict[str, str] = {}
    number = re.sub(r"[\s-]", "", form.get("number", ""))
    if not number:
        errors["number"] = t("Type the card number.")
    elif not re.fullmatch(r"[0-9]{12,19}", number):
        errors["number"] = t("This is not a valid card number.")
    expiry = _EXPIRY.fullmatch(form.get("expiry", "").strip())
    month, year = (int(expiry[1]), int(expiry[2])) if expiry else (0, 0)
    year = year if year >= _CENTURY else year + _CENTURY
    if not 1 <= month <= _MONTHS:
        errors["expiry"] = t("Type the date as MM / YY.")
    elif (year, month) < (today.year, today.month):
        errors["expiry"] = t("This card has expired.")
    cvc = form.get("cvc", "").strip()
    if not re.fullmatch(r"[0-9]{3,4}", cvc):
        errors["cvc"] = t("Type the 3 or 4 digits of the security code.")
    name = form.get("name", "").strip()
    if not name:
        errors["name"] = t("Type the name written on the card.")
    email = form.get("email", "").strip() or None
    if needs_email and not (email and _EMAIL.fullmatch(email)):
        errors["email"] = t("Type an e-mail address, such as name@example.org.")
    if errors:
        return None, errors
    return TypedCard(number, name, email), {}


def field_of(reason: str | None) -> tuple[str, str]:
    """Return the field a refused card concerns, and what to say beside it."""
    if reason == "expired_card":
        return "expiry", saying_of(reason)
    if reason == "incorrect_cvc":
        return "cvc", saying_of(reason)
    return "number", saying_of(reason)


def saying_of(reason: str | None) -> str:
    """Return what a code of refusal means to the person who pays."""
    sayings = {
        "incorrect_number": t("This is not a valid card number."),
        "test_mode_live_card": t("Only test cards work here: choose one below."),
        "expired_card": t("This card has expired."),
        "incorrect_cvc": t("The security code is wrong."),
        "insufficient_funds": t("This card has insufficient funds. Try another one."),
        "processing_error": t("The bank could not process this card. Try again in a moment."),
        "payment_intent_authentication_failure": t(_AUTHENTICATION),
        "setup_intent_authentication_failure": t(_AUTHENTICATION),
        "authentication_required": t(_AUTHENTICATION),
    }
    return sayings.get(reason or "", t("The bank declined this card. Try another one."))
