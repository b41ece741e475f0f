"""The test cards the checkout page offers, with what each does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stripe_sandbox.pages.language import t


def _mark(sentence: str) -> str:
    """Mark a sentence that is translated when it is shown."""
    return sentence


_BEHAVIOURS: Final = {
    "4242424242424242": _mark("Succeeds."),
    "4000002500003155": _mark("Asks for 3-D Secure, unless it was saved for later."),
    "4000002760003184": _mark("Asks for 3-D Secure every time."),
    "4000000000000077": _mark("Succeeds; the money is available at once."),
    "4000000000000002": _mark("Declined by the bank."),
    "4000000000009995": _mark("Declined: insufficient funds."),
    "4000000000009987": _mark("Declined: lost card."),
    "4000000000009979": _mark("Declined: stolen card."),
    "4000000000000069": _mark("Declined: expired card."),
    "4000000000000127": _mark("Declined: wrong security code."),
    "4000000000000119": _mark("Declined: processing error."),
    "4242424242424241": _mark("Refused: not a card number."),
    "4000000000000341": _mark("Can be saved; later charges fail."),
    "4000008260003178": _mark("3-D Secure, then insufficient funds."),
    "4000008400001629": _mark("3-D Secure, then declined."),
    "4000000000007726": _mark("Succeeds; a refund stays pending, then succeeds."),
    "4000000000005126": _mark("Succeeds; a refund succeeds, then fails."),
    "4000000000000259": _mark("Succeeds, then the payment is disputed as fraudulent."),
    "4000000000001976": _mark("Succeeds, then the bank inquires."),
}


@dataclass(frozen=True)
class OfferedCard:
    """A test card as the page lists it."""

    number: str
    spaced: str
    behaviour: str


def offered_cards() -> list[OfferedCard]:
    return [
        OfferedCard(number, " ".join(number[i : i + 4] for i in range(0, 16, 4)), t(behaviour))
        for number, behaviour in _BEHAVIOURS.items()
    ]
