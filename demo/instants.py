"""Instants and spans as a season and the command line write them."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_DAY: Final = re.compile(r"(\d{1,3})d (\d{2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_DEADLINE: Final = re.compile(r"deadline ([+-]) (\d{1,6})([smhd])", re.ASCII)
_SPAN: Final = re.compile(r"(\d{1,5})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST_SPAN: Final = timedelta(days=400)


class BadInstantError(ValueError):
    """What is written is not an instant or a span."""


@dataclass(frozen=True)
class Moment:
    """An instant of a season: a local day and time, or a distance from a campaign's deadline."""

    day: int = 0
    at: time = time()
    from_deadline: timedelta | None = None

    def resolve(
        self, first_day: date, zone: ZoneInfo, deadline_at: datetime | None
    ) -> datetime | None:
        """Return the instant in UTC, or nothing while the deadline is not known."""
        if self.from_deadline is not None:
            return deadline_at + self.from_deadline if deadline_at is not None else None
        local = datetime.combine(first_day + timedelta(days=self.day), self.at, tzinfo=zone)
        return local.astimezone(UTC)


def parse_moment(written: str) -> Moment:
    """Read ``12d 18:30`` or ``deadline - 1s``; raises ``BadInstantError``."""
    if found := _DAY.fullmatch(written):
        day, hour, minute, second = (int(part or 0) for part in found.groups())
        try:
            return Moment(day=day, at=time(hour, minute, second))
        except ValueError as error:
            raise BadInstantError(f"{written!r} is not a time of day") from error
    if found := _DEADLINE.fullmatch(written):
        sign, number, unit = found.groups()
        distance = timedelta(**{_UNITS[unit]: int(number)})
        return Moment(from_deadline=-distance if sign == "-" else distance)
    raise BadInstantError(f"{written!r} is neither like '12d 18:30' nor like 'deadline - 1s'")


def parse_span(written: str) -> timedelta:
    """Read a span such as ``45d``, ``12h`` or ``90s``; raises ``BadInstantError``."""
    found = _SPAN.fullmatch(written)
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < span <= LONGEST_SPAN:
        raise BadInstantError(f"{written!r} is not a span such as 45d, 12h or 30m")
    return span
