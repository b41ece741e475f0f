"""Instants at which calendars bite: tests marked ``dates`` are played at those asked for.

The time of the process, of its database and of its Stripe begin there and go on as ever. It is
done by hand, since Debian's ``faketime`` breaks ``time.sleep`` and every wait for a lock.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.orm import Session

from octo import clock
from octo.clock import real_now
from tests.seeds import seed_of_this_run

SETTING: Final = "OCTO_TEST_INSTANTS"
OF_THE_DAY: Final = "day"
ALL: Final = "all"
INSTANTS: Final = {
    "last-evening-of-the-year": "2026-12-31T23:30:00+01:00",
    "leap-day": "2028-02-29T12:00:00+01:00",
    "before-an-hour-is-skipped": "2027-03-28T01:30:00+01:00",
    "in-the-hour-that-comes-twice": "2027-10-31T02:30:00+02:00",
    "last-day-of-a-month": "2027-04-30T23:50:00+02:00",
    "first-day-of-a-month": "2027-05-01T00:10:00+02:00",
}
"""By name, in Paris."""


def chosen_instants() -> tuple[str, ...]:
    """Return the instants that the environment asks for: none by default, ``day``'s, or ``all``."""
    asked = os.environ.get(SETTING, "")
    if asked == OF_THE_DAY:
        return (list(INSTANTS)[seed_of_this_run() % len(INSTANTS)],)
    chosen = tuple(INSTANTS) if asked == ALL else tuple(asked.split(",")) if asked else ()
    assert set(chosen) <= set(INSTANTS), f"{SETTING}: {OF_THE_DAY}, {ALL}, {', '.join(INSTANTS)}"
    return chosen


def instant_of(item: pytest.Item) -> datetime | None:
    """Return when a test is played, or nothing if that is now."""
    call = getattr(item, "callspec", None)
    name = call.params.get("instant") if call is not None else None
    return datetime.fromisoformat(INSTANTS[name]).astimezone(UTC) if name else None


@contextmanager
def played_at(instant: datetime) -> Iterator[None]:
    """Let it be that instant, here and in the databases that are asked from here."""
    ahead = instant - real_now()

    def database_now(session: Session) -> sa.ColumnElement[object]:
        if session.get_bind().dialect.name == "sqlite":
            later = f"{ahead.total_seconds():+f} seconds"
            return sa.func.strftime("%Y-%m-%d %H:%M:%f", "now", later)
        return sa.func.clock_timestamp() + sa.literal(ahead, sa.Interval)

    with pytest.MonkeyPatch.context() as patch, time_machine.travel(instant, tick=True):
        patch.setattr(clock, "_database_now", database_now)
        yield
