"""The card form of the checkout page: what was typed, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from payments.sandbox.errors import ApiError
from payments.sandbox.pages.language import t

_EXPIRY: Final = re.compile(r"(\d{1,2})\s*[/-]?\s*(\d{2}|\d{4})", re.ASCII)
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CENTURY: Final = 2000
_MONTHS: Final = 12


@dataclass(frozen=True)
class TypedCard:
    """A card as typed, in the shape the API takes."""

    number: str
    exp_month: int
    exp_year: int
    cvc: str
    name: str
    email: str | None


def read_form(
    form: Mapping[str, str], *, needs_email: bool
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
    if not 1 <= month <= _MONTHS:
        errors["expiry"] = t("Type the date as MM / YY.")
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
    year = year if year >= _CENTURY else year + _CENTURY
    return TypedCard(number, month, year, cvc, name, email), {}


def field_of(refusal: ApiError) -> tuple[str, str]:
    """Return the field a refused card concerns, and what to say beside it."""
    reason = refusal.decline_code or refusal.code or ""
    if reason in {"incorrect_number", "invalid_number"}:
        return "number", t("This is not a valid card number.")
    if reason == "test_mode_live_card":
        return "number", t("Only test cards work here: choose one below.")
    if reason == "expired_card" or reason.startswith("invalid_expiry"):
        return "expiry", t("This card has expired.")
    if reason in {"incorrect_cvc", "invalid_cvc"}:
        return "cvc", t("The security code is wrong.")
    if reason == "insufficient_funds":
        return "number", t("This card has insufficient funds. Try another one.")
    if reason == "processing_error":
        return "number", t("The bank could not process this card. Try again in a moment.")
    if refusal.code in {
        "payment_intent_authentication_failure",
        "setup_intent_authentication_failure",
        "authentication_required",
    }:
        return "number", t("The authentication failed. Try again or use another card.")
    return "number", t("The bank declined this card. Try another one.")
