"""How templates show money, days, instants and shares, in the reader's language."""

import functools
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_skeleton
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent
from flask import Flask
from flask_babel import get_locale, gettext, ngettext
from markupsafe import Markup, escape

from octo.money import format_amount, to_decimal
from octo.web.language import DEFAULT_LANGUAGE, default_time_zone

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_INSTANT: Final = {"fr": "d MMMM y 'à' HH:mm", "en": "d MMMM y, HH:mm"}
_SHORT: Final = {"fr": "#,##0\u00a0¤", "en": "¤#,##0"}
_REMEMBERED: Final = 4096
_LAST_HOURS: Final = timedelta(hours=48)


def language() -> str:
    """Return the language that sentences are shown in here, in a page as in a mail."""
    found = get_locale()
    return found.language if found else DEFAULT_LANGUAGE


def money(amount: int, currency: str) -> Markup:
    """Show minor units of ``currency``: « 12,50 € », never broken over two lines."""
    return _money(amount, currency, language())


def money_short(amount: int, currency: str) -> Markup:
    """Show minor units without decimals when nothing follows: « 3 800 € », for goals and cards."""
    return _money_short(amount, currency, language())


def money_text(amount: int, currency: str) -> str:
    """Show minor units as plain text, for attributes and mails."""
    return format_amount(amount, currency, language())


def money_input(amount: int | None, currency: str) -> str:
    """Show minor units as a person types them: « 12,50 », or « 12 » when nothing follows."""
    if amount is None:
        return ""
    value = to_decimal(amount, currency)
    if value == value.to_integral_value():
        return str(int(value))
    return str(value).replace(".", "," if language() == "fr" else ".")


def day(value: date | datetime | None, time_zone: str | None = None) -> str:
    """Show a day: « 24 novembre 2026 »."""
    if value is None:
        return ""
    return _date(_day_of(value, time_zone), "long", language())


def short_day(value: date | datetime | None, time_zone: str | None = None) -> str:
    """Show a day in a table: « 24 nov. 2026 »."""
    if value is None:
        return ""
    return _date(_day_of(value, time_zone), "medium", language())


def month(value: date | datetime | None, time_zone: str | None = None) -> str:
    """Show a month: « mars 2027 »."""
    if value is None:
        return ""
    return str(format_skeleton("yMMMM", _local(value, time_zone), locale=language()))


def moment(value: datetime | None, time_zone: str | None = None) -> Markup:
    """Show an instant in a time zone, kept in full for machines."""
    if value is None:
        return Markup()
    local = value.astimezone(ZoneInfo(time_zone or default_time_zone()))
    shown = format_datetime(local, format=_INSTANT[language()], locale=language())
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), shown)


def percent(share: float) -> str:
    """Show a share in whole percent: ``0.634`` is « 63 % »."""
    return _percent(Decimal(str(share)), "#,##0", language())


def rate(share: Decimal | str) -> str:
    """Show a rate as exactly as it is set: ``0.055`` is « 5,5 % »."""
    return _percent(Decimal(share), "#,##0.######", language())


def whole(value: int) -> str:
    """Show a whole number with its groups: « 1 234 »."""
    return _whole(value, language())


def percent_of(amount: int, goal_amount: int) -> int:
    """Return how much of a goal is reached, in whole per cent rounded down.

    Rounding down keeps 99.9 % from reading as a goal reached.
    """
    return amount * 100 // goal_amount


def time_left(deadline_at: datetime, now: datetime) -> str:
    """Say how long is left: « 12 jours », « 5 heures », « 20 minutes »."""
    left = deadline_at - now
    if left <= timedelta(0):
        return str(gettext("no time"))
    if left >= _LAST_HOURS:
        return str(ngettext("%(num)d day", "%(num)d days", left // _DAY))
    if left >= _HOUR:
        return str(ngettext("%(num)d hour", "%(num)d hours", left // _HOUR))
    return str(ngettext("%(num)d minute", "%(num)d minutes", max(1, left // timedelta(minutes=1))))


def listing(values: list[str]) -> str:
    """Join words as a sentence does: « a, b et c »."""
    return str(format_list([str(value) for value in values], locale=language()))


def lines(text: str) -> Markup:
    """Show plain text with its line breaks, everything else escaped."""
    return Markup("<br>").join(escape(line) for line in text.splitlines())


# What follows depends on its arguments alone, so that an amount shown twice is written once.


@functools.lru_cache(_REMEMBERED)
def _money(amount: int, currency: str, locale: str) -> Markup:
    return Markup('<span class="number">{}</span>').format(format_amount(amount, currency, locale))


@functools.lru_cache(_REMEMBERED)
def _money_short(amount: int, currency: str, locale: str) -> Markup:
    value = to_decimal(amount, currency)
    if value != value.to_integral_value():
        return _money(amount, currency, locale)
    shown = format_currency(
        value, currency, locale=locale, format=_SHORT[locale], currency_digits=False
    )
    return Markup('<span class="number">{}</span>').format(shown)


@functools.lru_cache(_REMEMBERED)
def _date(value: date, form: str, locale: str) -> str:
    return str(format_date(value, format=form, locale=locale))


@functools.lru_cache(_REMEMBERED)
def _percent(share: Decimal, digits: str, locale: str) -> str:
    pattern = f"{digits}\u00a0%" if locale == "fr" else f"{digits}%"
    return str(format_percent(share, format=pattern, locale=locale))


@functools.lru_cache(_REMEMBERED)
def _whole(value: int, locale: str) -> str:
    return str(format_decimal(value, locale=locale))


def _day_of(value: date | datetime, time_zone: str | None) -> date:
    local = _local(value, time_zone)
    return local.date() if isinstance(local, datetime) else local


def _local(value: date | datetime, time_zone: str | None) -> date:
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(time_zone or default_time_zone()))
    return value


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "money": money,
    "money_short": money_short,
    "money_text": money_text,
    "money_input": money_input,
    "day": day,
    "short_day": short_day,
    "month": month,
    "moment": moment,
    "percent": percent,
    "rate": rate,
    "whole": whole,
    "time_left": time_left,
    "listing": listing,
    "lines": lines,
}


def register(app: Flask) -> None:
    """Give the filters to templates."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals["percent_of"] = percent_of
