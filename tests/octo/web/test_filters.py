"""Amounts, days and shares read as people of each language write them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask_babel import force_locale

from octo.web import filters

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NARROW = "\u202f"
HARD = "\u00a0"

pytestmark = pytest.mark.dates


@pytest.mark.parametrize(
    ("locale", "amount", "shown"),
    [
        ("fr", 1250, f"12,50{HARD}€"),
        ("fr", 123456789, f"1{NARROW}234{NARROW}567,89{HARD}€"),
        ("en", 1250, "€12.50"),
    ],
)
def test_money_by_language(app: Flask, locale: str, amount: int, shown: str) -> None:
    with app.test_request_context(), force_locale(locale):
        assert filters.money_text(amount, "EUR") == shown
        assert filters.money(amount, "EUR") == f'<span class="number">{shown}</span>'


@pytest.mark.parametrize(
    ("locale", "amount", "shown"),
    [
        ("fr", 380000, f"3{NARROW}800{HARD}€"),
        ("en", 380000, "€3,800"),
        ("fr", 1250, f"12,50{HARD}€"),
    ],
)
def test_short_money_drops_cents_only_when_there_are_none(
    app: Flask, locale: str, amount: int, shown: str
) -> None:
    with app.test_request_context(), force_locale(locale):
        assert shown in filters.money_short(amount, "EUR")


@pytest.mark.parametrize(
    ("amount", "currency", "typed"),
    [
        (1250, "EUR", "12,50"),
        (1200, "EUR", "12"),
        (None, "EUR", ""),
        (1200, "JPY", "1200"),
        (0, "EUR", "0"),
    ],
)
def test_money_in_a_field_is_as_a_person_types_it(
    app: Flask, amount: int | None, currency: str, typed: str
) -> None:
    with app.test_request_context(), force_locale("fr"):
        assert filters.money_input(amount, currency) == typed


def test_an_instant_is_shown_in_the_campaigns_zone(app: Flask) -> None:
    with app.test_request_context(), force_locale("fr"):
        shown = filters.moment(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Europe/Paris")

    assert "1 janvier 2027" in shown
    assert "00:30" in shown
    assert 'datetime="2026-12-31T23:30:00+00:00"' in shown


def test_days_and_months(app: Flask) -> None:
    with app.test_request_context(), force_locale("fr"):
        assert filters.day(date(2026, 11, 24)) == "24 novembre 2026"
        assert filters.month(date(2027, 3, 1)) == "mars 2027"
        assert filters.short_day(None) == ""


@pytest.mark.parametrize(
    ("amount", "whole"), [(0, 0), (9_999_99, 99), (10_000_00, 100), (12_700_00, 127)]
)
def test_a_goal_not_quite_reached_never_reads_as_reached(amount: int, whole: int) -> None:
    assert filters.percent_of(amount, 10_000_00) == whole


@pytest.mark.parametrize(
    ("left", "shown"),
    [
        (timedelta(days=12, hours=3), "12 days"),
        (timedelta(hours=47, minutes=59), "47 hours"),
        (timedelta(minutes=60), "1 hour"),
        (timedelta(seconds=30), "1 minute"),
        (timedelta(0), "no time"),
    ],
)
def test_time_left(app: Flask, left: timedelta, shown: str) -> None:
    with app.test_request_context(), force_locale("en"):
        assert filters.time_left(NOW + left, NOW) == shown


def test_lines_escape_everything_but_their_breaks() -> None:
    assert filters.lines("a<b\nc") == "a&lt;b<br>c"
