"""The test cards: what each number does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stripe_sandbox.errors import ApiError
from stripe_sandbox.objects import Json


class ThreeDSecure(StrEnum):
    NEVER = "never"
    UNLESS_SET_UP = "unless_set_up"
    ALWAYS = "always"


class RefundCourse(StrEnum):
    SUCCEEDS = "succeeds"
    PENDS = "pends"
    FAILS_LATER = "fails_later"


class DisputeCourse(StrEnum):
    FRAUDULENT = "fraudulent"
    INQUIRY = "inquiry"


@dataclass(frozen=True)
class Decline:
    """Why a card is refused, in Stripe's words."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True)
class Card:
    """One test card."""

    number: str
    decline: Decline | None = None
    can_attach: bool = True
    three_d_secure: ThreeDSecure = ThreeDSecure.NEVER
    is_available_at_once: bool = False
    refund: RefundCourse = RefundCourse.SUCCEEDS
    dispute: DisputeCourse | None = None
    brand: str = "visa"
    country: str = "US"

    @property
    def last4(self) -> str:
        return self.number[-4:]


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", decline_code, message)


_INSUFFICIENT: Final = _declined("insufficient_funds", "Your card has insufficient funds.")
_GENERIC: Final = _declined("generic_decline")
AUTHENTICATION_REQUIRED: Final = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
_INCORRECT_NUMBER: Final = Decline("incorrect_number", None, "Your card number is incorrect.")
_LIVE_CARD: Final = _declined(
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test card. For a list"
    " of valid test cards, visit: https://stripe.com/docs/testing.",
)
_EXPIRED: Final = Decline("expired_card", None, "Your card has expired.")
_INCORRECT_CVC: Final = Decline("incorrect_cvc", None, "Your card's security code is incorrect.")
_PROCESSING_ERROR: Final = Decline(
    "processing_error",
    None,
    "An error occurred while processing your card. Try again in a little bit.",
)

CARDS: Final = {
    card.number: card
    for card in (
        Card("4242424242424242"),
        Card("4000056655665556"),
        Card("5555555555554444", brand="mastercard"),
        Card("378282246310005", brand="amex"),
        Card("4000002500000003", country="FR"),
        Card("4000000000000002", _GENERIC, can_attach=False),
        Card("4000000000009995", _INSUFFICIENT, can_attach=False),
        Card("4000000000009987", _declined("lost_card"), can_attach=False),
        Card("4000000000009979", _declined("stolen_card"), can_attach=False),
        Card("4000000000000069", _EXPIRED, can_attach=False),
        Card("4000000000000127", _INCORRECT_CVC, can_attach=False),
        Card("4000000000000119", _PROCESSING_ERROR, can_attach=False),
        Card("4000000000000341", _GENERIC),
        Card("4000002500003155", three_d_secure=ThreeDSecure.UNLESS_SET_UP),
        Card("4000002760003184", three_d_secure=ThreeDSecure.ALWAYS),
        Card("4000008260003178", _INSUFFICIENT, three_d_secure=ThreeDSecure.UNLESS_SET_UP),
        Card("4000008400001629", _GENERIC, three_d_secure=ThreeDSecure.UNLESS_SET_UP),
        Card("4000000000000077", is_available_at_once=True),
        Card("4000000000007726", refund=RefundCourse.PENDS),
        Card("4000000000005126", refund=RefundCourse.FAILS_LATER),
        Card("4000000000000259", dispute=DisputeCourse.FRAUDULENT),
        Card("4000000000001976", dispute=DisputeCourse.INQUIRY),
    )
}

TOKENS: Final = {
    "pm_card_visa": "4242424242424242",
    "pm_card_visa_debit": "4000056655665556",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_fr": "4000002500000003",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
    "pm_card_visa_chargeDeclinedStolenCard": "4000000000009979",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "pm_card_authenticationRequiredChargeDeclined": "4000008400001629",
    "pm_card_bypassPending": "4000000000000077",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_refundFail": "4000000000005126",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_createDisputeInquiry": "4000000000001976",
}


def card_refusal(decline: Decline, *, keep: bool = True, extra: Json | None = None) -> ApiError:
    """Return the 402 of a refused card; by default what it left behind is kept."""
    return ApiError(
        decline.message,
        status=402,
        type_="card_error",
        code=decline.code,
        decline_code=decline.decline_code,
        keep=keep,
        extra=extra,
    )


def card_of(number: str) -> Card:
    """Return the test card of this number, or refuse it as Stripe does in test mode."""
    digits = "".join(number.split()).replace("-", "")
    if not digits.isdigit() or not _passes_luhn(digits):
        raise card_refusal(_INCORRECT_NUMBER, keep=False)
    if digits not in CARDS:
        raise card_refusal(_LIVE_CARD, keep=False)
    return CARDS[digits]


def _passes_luhn(digits: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004
    return total % 10 == 0
