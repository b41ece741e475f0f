"""F36: cents that do not divide, and currencies with no or three decimals: no cent appears."""

import ast
import re
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as some

from octo.config import ROOT
from octo.money import decimals_of, format_amount, parse_amount
from payments.policy import (
    compute_figures,
    share_dispute,
    share_with_owner,
    split_refund,
    take_from_owner,
)

NO_AMOUNTS: Final = ROOT / "payments" / "gateway"  # it handles calls: its floats are seconds
ABOUT_TIME: Final = re.compile("sleep|seconds|SECONDS|_S:")
AMOUNTS: Final = some.integers(min_value=0, max_value=10**12)
RATES: Final = some.decimals(min_value=0, max_value=Decimal("0.9999"), places=4)

pytestmark = [pytest.mark.fault("F36"), pytest.mark.dates]


@given(gross=AMOUNTS, back=AMOUNTS, fee_rate=RATES, vat_rate=RATES)
def test_the_parts_of_a_settlement_are_the_whole(
    gross: int, back: int, fee_rate: Decimal, vat_rate: Decimal
) -> None:
    figures = compute_figures(
        gross=gross, refunds=min(back, gross), disputes=0, fee_rate=fee_rate, vat_rate=vat_rate
    )

    parts = (figures.net_amount, figures.fee_amount, figures.vat_amount)
    assert sum(parts) == figures.base_amount == gross - min(back, gross)
    assert all(isinstance(part, int) for part in parts)
    assert figures.fee_amount >= 0
    assert abs(figures.fee_amount - figures.base_amount * fee_rate) <= Decimal("0.5")


@given(amount=AMOUNTS, funds=AMOUNTS, tip=AMOUNTS, owed=AMOUNTS)
def test_the_parts_of_a_refund_a_dispute_and_a_debt_are_the_whole(
    amount: int, funds: int, tip: int, owed: int
) -> None:
    if 0 < amount <= funds + tip:
        split = split_refund(amount=amount, funds_left=funds, tip_left=tip)
        assert split.funds_amount + split.tip_amount + split.owed_amount == amount
        assert split.funds_amount <= funds
        assert split.tip_amount <= tip
    shares = share_dispute(withdrawn=amount, funds_left=funds, tip_left=tip, owed_left=owed)
    assert sum(vars(shares).values()) == amount
    given_to_owner = share_with_owner(amount, debt=funds, written_off=tip)
    assert sum(vars(given_to_owner).values()) == amount
    taken = take_from_owner(amount, unsent=funds)
    assert sum(vars(taken).values()) == amount
    assert min(vars(taken).values()) >= 0


@given(
    amount=some.integers(min_value=1, max_value=10**9),
    currency=some.sampled_from(("JPY", "EUR", "KWD")),
)
def test_what_is_shown_of_any_currency_is_read_back_to_the_unit(amount: int, currency: str) -> None:
    shown = format_amount(amount, currency, "fr")
    digits = "".join(c for c in shown if c.isdigit() or c == ",")

    assert parse_amount(digits, currency) == amount
    assert len(digits.partition(",")[2]) == decimals_of(currency)


def floats_in(tree: ast.AST) -> list[int]:
    """Return the lines that make a float of money: true division, float(), a literal."""
    found = []
    for node in ast.walk(tree):
        is_division = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        is_call = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float"
        is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        if is_division or is_call or is_literal:
            found.append(getattr(node, "lineno", 0))
    return found


def money_files() -> list[Path]:
    """Return the files that handle amounts."""
    found = [path for path in (ROOT / "payments").rglob("*.py") if NO_AMOUNTS not in path.parents]
    return sorted([*found, ROOT / "octo" / "money.py"])


def test_no_float_touches_money() -> None:
    found = []
    for path in money_files():
        text = path.read_text()
        lines = [text.splitlines()[number - 1] for number in floats_in(ast.parse(text))]
        found += [f"{path.name}: {line}" for line in lines if not ABOUT_TIME.search(line)]

    assert len(money_files()) > 20
    assert found == []


def test_a_planted_float_is_found() -> None:
    assert floats_in(ast.parse("fee = base * 7 / 100")) == [1]
    assert floats_in(ast.parse("fee = round(base * 0.07)")) == [1]
