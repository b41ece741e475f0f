"""Money as people write it: what is meant is taken, everything else is refused by name."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octo.database import LARGEST_AMOUNT
from octo.money import BadAmountError, decimals_of, format_amount, parse_amount, share, to_decimal

AMOUNTS = st.integers(1, LARGEST_AMOUNT)
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])

pytestmark = pytest.mark.dates


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("12,50", 12_50),
        ("12.50", 12_50),
        ("12.50 €", 12_50),
        ("€12.50", 12_50),
        ("EUR 12", 12_00),
        ("12,5", 12_50),
        ("12", 12_00),
        ("1 000", 1000_00),
        ("1\u202f000,01 €", 1000_01),
        ("1\u00a0234\u00a0567 EUR", 1_234_567_00),
        (" 0,01 ", 1),
        ("007", 7_00),
    ],
)
def test_what_a_person_writes_is_understood(written: str, amount: int) -> None:
    assert parse_amount(written, "EUR") == amount


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "0", "0,00", "-1", "+1", "\u22121", "NaN", "inf", "1e3", "0x10", "1_000"),
        *("12,505", "12,", ",5", "1,2,3", "1.000,00", "1,000.00", "10 00", "1 00 0"),
        *("9223372036854775808", "99999999999999999999", "\uff11\uff12", "\u0661\u0662", "½"),
        *(
            "12 $",
            "$12",
            "12 USD",
            "€ 12 €",
            "12 EUR EUR",
            "12 EUR €",
            "€ EUR 12",
            "douze",
            "12\n13",
            "12;13",
            "=12",
        ),
    ],
)
def test_anything_else_is_refused_beside_its_field(written: str) -> None:
    with pytest.raises(BadAmountError) as refused:
        parse_amount(written, "EUR", field="tip")

    assert refused.value.field == "tip"


def test_bounds_are_part_of_the_reading() -> None:
    assert parse_amount("0", "EUR", least=0) == 0
    with pytest.raises(BadAmountError):
        parse_amount("5", "EUR", most=4_99)


def test_a_currency_that_is_none_is_refused() -> None:
    with pytest.raises(BadAmountError):
        decimals_of("ZZZ")


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (12_50, "EUR", "12,50\u00a0€"),
        (1_234_567_89, "EUR", "1\u202f234\u202f567,89\u00a0€"),
        (1500, "JPY", "1\u202f500\u00a0JPY"),
        (1234, "KWD", "1,234\u00a0KWD"),
    ],
)
def test_amounts_are_shown_as_french_writes_them(amount: int, currency: str, shown: str) -> None:
    assert format_amount(amount, currency, "fr") == shown


@given(AMOUNTS, CURRENCIES)
def test_what_is_shown_can_be_typed_back(amount: int, currency: str) -> None:
    typed = str(to_decimal(amount, currency)).replace(".", ",")

    assert parse_amount(typed, currency) == amount


@given(AMOUNTS, st.decimals(0, 1, places=4))
def test_a_share_is_rounded_half_up_and_never_more_than_the_whole(
    amount: int, rate: Decimal
) -> None:
    part = share(amount, rate)

    assert 0 <= part <= amount
    assert abs(Decimal(part) - amount * rate) <= Decimal("0.5")


@pytest.mark.parametrize(("amount", "part"), [(1, 0), (7, 0), (8, 1), (50, 4), (1_00, 7)])
def test_seven_percent_of_cents_is_a_whole_number_of_cents(amount: int, part: int) -> None:
    assert share(amount, Decimal("0.07")) == part
