"""Stripe's objects with only what its types promise, the rest null or not there at all."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from payments.gateway import reading
from payments.gateway.reading import Seen

pytestmark = pytest.mark.fault("F43")

A_DAY: Final = 1_790_000_000
MONEY: Final = {"id": "x_1", "amount": 15_00, "currency": "eur", "created": A_DAY}
BARE: Final[dict[str, tuple[Callable[[Any], Any], dict[str, Any]]]] = {
    "charge": (reading.listed_charge, {**MONEY, "status": "succeeded", "amount_refunded": 0}),
    "intent": (reading.present_intent, {**MONEY, "status": "processing"}),
    "card": (reading.present_card, {"id": "pm_1"}),
    "setup": (reading.setup, {"id": "seti_1", "status": "processing"}),
    "checkout": (
        reading.checkout,
        {"id": "cs_1", "mode": "payment", "created": A_DAY, "expires_at": A_DAY},
    ),
    "refund": (reading.refund, MONEY),
    "transfer": (reading.transfer, {**MONEY, "amount_reversed": 0}),
    "reversal": (reading.reversal, {**MONEY, "transfer": "tr_1"}),
    "dispute": (
        reading.dispute,
        {
            **MONEY,
            "charge": "ch_1",
            "status": "lost",
            "reason": "general",
            "balance_transactions": [],
        },
    ),
    "topup": (reading.topup, {**MONEY, "status": "pending"}),
    "payout": (reading.payout, {**MONEY, "status": "paid", "arrival_date": A_DAY}),
    "account": (reading.account, {"id": "acct_1"}),
    "movement": (
        reading.movement,
        {
            **MONEY,
            "type": "charge",
            "reporting_category": "charge",
            "fee": 50,
            "net": 14_50,
            "available_on": A_DAY,
        },
    ),
}
OPTIONAL: Final = (
    *("balance_transaction", "failure_balance_transaction", "charge", "customer", "metadata"),
    *("payment_intent", "setup_intent", "payment_method", "latest_charge", "last_payment_error"),
    *("transfer_group", "destination", "source", "exchange_rate", "status", "url", "locale"),
    *("client_reference_id", "customer_details", "customer_email", "pending_reason", "card"),
    *("failure_reason", "configuration"),
)


@pytest.mark.parametrize(("read", "bare"), BARE.values(), ids=BARE)
def test_what_is_not_promised_may_be_null_or_absent(
    read: Callable[[Any], Any], bare: dict[str, Any]
) -> None:
    with_nulls = {**dict.fromkeys(OPTIONAL), **bare}

    fact = read(Seen(bare))

    assert fact is not None
    assert read(Seen(with_nulls)) == fact


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"type": "card_error", "code": "card_declined", "decline_code": "lost_card"}, "lost_card"),
        ({"type": "card_error", "code": "card_declined"}, "card_declined"),
        ({"type": "card_error", "code": None, "decline_code": None}, "card_error"),
        ({"type": "card_error"}, "card_error"),
        ({}, "unspecified"),
    ],
)
def test_a_declined_card_has_a_reason_whatever_its_error_lacks(
    error: dict[str, Any], code: str
) -> None:
    declined = {**MONEY, "status": "requires_payment_method", "last_payment_error": error}

    assert reading.present_intent(Seen(declined)).failure_code == code
