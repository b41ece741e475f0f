"""The two languages of the pages, and amounts as each writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from flask import request

from stripe_sandbox.pages.french import FRENCH

LANGUAGES: Final = ("fr", "en")
_WITHOUT_MINOR_UNITS: Final = frozenset({"jpy", "krw", "vnd", "xof", "xaf", "xpf", "clp", "isk"})
_SIGNS: Final = {"eur": "€", "usd": "$", "gbp": "£"}
_NO_BREAK: Final = "\u00a0"
_THIN: Final = "\u202f"


def language() -> str:
    """Return the reader's language: French unless the browser prefers English."""
    return request.accept_languages.best_match(LANGUAGES) or "fr"


def t(message: str, **values: object) -> str:
    """Return a sentence in the reader's language."""
    sentence = FRENCH[message] if language() == "fr" else message
    return sentence % values if values else sentence


def format_amount(amount: int, currency: str) -> str:
    """Write minor units as the reader's language does: ``1 234,50 €`` or ``€1,234.50``."""
    digits = str(abs(amount))
    if currency in _WITHOUT_MINOR_UNITS:
        whole, cents = digits, ""
    else:
        digits = digits.rjust(3, "0")
        whole, cents = digits[:-2], digits[-2:]
    sign = "\N{MINUS SIGN}" if amount < 0 else ""
    symbol = _SIGNS.get(currency, currency.upper())
    if language() == "fr":
        grouped = f"{int(whole):,}".replace(",", _THIN)
        return f"{sign}{grouped}{',' if cents else ''}{cents}{_NO_BREAK}{symbol}"
    gap = "" if currency in _SIGNS else _NO_BREAK
    return f"{sign}{symbol}{gap}{int(whole):,}{'.' if cents else ''}{cents}"


def plain_amount(amount: int, currency: str) -> str:
    """Write an amount as one types it in a form."""
    if currency in _WITHOUT_MINOR_UNITS:
        return str(amount)
    mark = "," if language() == "fr" else "."
    return f"{amount // 100}{mark}{amount % 100:02d}"


def read_amount(text: str, currency: str) -> int | None:
    """Read what was typed in a form, or nothing if it is not a positive amount."""
    compact = "".join(text.split()).replace(_THIN, "").replace(",", ".").strip("€$£")
    whole, _, cents = compact.partition(".")
    if not (whole.isascii() and whole.isdecimal() and len(whole) <= 9):  # noqa: PLR2004
        return None
    if currency in _WITHOUT_MINOR_UNITS:
        return None if cents else int(whole) or None
    if cents and not (cents.isascii() and cents.isdecimal() and len(cents) <= 2):  # noqa: PLR2004
        return None
    return int(whole) * 100 + int(cents.ljust(2, "0") or 0) or None


def format_instant(seconds: int) -> str:
    """Write an instant, in UTC, as the reader's language does."""
    instant = datetime.fromtimestamp(seconds, UTC)
    pattern = "%d/%m/%Y %H:%M UTC" if language() == "fr" else "%Y-%m-%d %H:%M UTC"
    return instant.strftime(pattern)
