"""Money: integers of minor units beside a currency, read from and shown to people.

No float anywhere; ``Decimal`` serves only to show an amount or to apply a rate.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from babel.numbers import format_currency, get_currency_precision, list_currencies

from octo.database import LARGEST_AMOUNT
from octo.errors import N_, InvalidError

_SPACES: Final = "\u0020\u00a0\u202f\u2009"
_SIGNS: Final = {"EUR": "€"}
_WRITTEN: Final = re.compile(r"(?P<units>[0-9]{1,15})(?:[.,](?P<cents>[0-9]+))?", re.ASCII)
_GROUPED: Final = re.compile(rf"[0-9]{{1,3}}(?:[{_SPACES}][0-9]{{3}})+(?=[.,]|$)", re.ASCII)


@dataclass(frozen=True)
class Money:
    """An amount in minor units inside a refusal, written out in its reader's language."""

    amount: int
    currency: str

    def __str__(self) -> str:
        return f"{to_decimal(self.amount, self.currency)} {self.currency}"


class BadAmountError(InvalidError):
    """What was entered is not an amount of money that can be taken."""

    code = "bad_amount"


def decimals_of(currency: str) -> int:
    """Return how many decimals a currency has: 2 for EUR, 0 for JPY, 3 for KWD."""
    if currency not in list_currencies():
        raise BadAmountError(N_("%(currency)s is not a currency."), currency=currency)
    return int(get_currency_precision(currency))


def parse_amount(
    text: str,
    currency: str,
    *,
    field: str = "amount",
    least: int = 1,
    most: int = LARGEST_AMOUNT,
) -> int:
    """Read « 12,50 », « 12.50 € », « €12.50 » or « 1 000 » as minor units of ``currency``.

    Raises ``BadAmountError`` on anything else: signs, exponents, other digits, other
    currencies, too many decimals, out of ``least``..``most``.
    """
    written = text.strip(_SPACES)
    sign = _SIGNS.get(currency, currency)
    for unit in (sign, currency):
        if unit in written:
            side = str.removeprefix if written.startswith(unit) else str.removesuffix
            written = side(written, unit).strip(_SPACES)
            break
    if grouped := _GROUPED.match(written):
        head = grouped.group()
        written = re.sub(f"[{_SPACES}]", "", head) + written[len(head) :]
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise BadAmountError(
            N_("Enter an amount in %(currency)s with digits only, such as 12.50."),
            field=field,
            currency=currency,
        )
    decimals = decimals_of(currency)
    cents = found["cents"] or ""
    if len(cents) > decimals:
        raise BadAmountError(
            N_("An amount in %(currency)s has at most %(decimals)s decimals."),
            field=field,
            currency=currency,
            decimals=decimals,
        )
    amount = int(found["units"] + cents.ljust(decimals, "0"))
    return check_amount(amount, currency, field=field, least=least, most=most)


def check_amount(
    amount: int, currency: str, *, field: str = "amount", least: int = 1, most: int = LARGEST_AMOUNT
) -> int:
    """Return ``amount`` (minor units), or raise ``BadAmountError`` when out of bounds."""
    if amount < least:
        raise BadAmountError(
            N_("The amount is at least %(least)s."),
            field=field,
            least=Money(least, currency),
        )
    if amount > most:
        raise BadAmountError(
            N_("The amount is at most %(most)s."),
            field=field,
            most=Money(most, currency),
        )
    return amount


def format_amount(amount: int, currency: str, locale: str) -> str:
    """Show minor units as people of ``locale`` write them: « 12,50 € »."""
    return str(format_currency(to_decimal(amount, currency), currency, locale=locale))


def to_decimal(amount: int, currency: str) -> Decimal:
    """Turn minor units into major ones, exactly."""
    return Decimal(amount).scaleb(-decimals_of(currency))


def share(amount: int, rate: Decimal) -> int:
    """Apply a rate to minor units, rounded half up to a whole minor unit."""
    return int((Decimal(amount) * rate).quantize(Decimal(1), rounding=ROUND_HALF_UP))
