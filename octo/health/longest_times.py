"""How long a row may stand in a state that must pass; what stands longer is an alert.

Each package hands in one table for the states of its own models. States that wait for what a
person is free to do or to leave (a draft, a review, a suspension before its deadline) have no
longest time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from octo.health.vitals import Alert, Times, Vitals

MOST_NAMED: Final = 20


@dataclass(frozen=True)
class LongestTime:
    """How long rows may stand in a state, and the alert there is of those that stand longer.

    ``since`` are the instants it counts from: the latest that is known, so that a day that was
    announced counts before the day of the announcement. They are of business time, or of machine
    time where ``is_machine_time`` says so. With ``name`` each row is an alert of its own and the
    sentence has ``%(name)s``; without it they are one, and the sentence has ``%(count)s``.
    """

    code: str
    message: str
    state: sa.ColumnElement[bool]
    since: Sequence[sa.SQLColumnExpression[Any]]
    longest: timedelta
    name: sa.SQLColumnExpression[str] | None = None
    is_machine_time: bool = False

    def find(self, session: Session, times: Times) -> Iterator[Alert]:
        """Yield the alerts of what stands too long."""
        now = times.machine if self.is_machine_time else times.business
        is_too_long = sa.and_(
            self.state,
            sa.func.coalesce(*self.since, sa.null()).is_not(None),
            *(sa.or_(instant.is_(None), instant < now - self.longest) for instant in self.since),
        )
        if self.name is None:
            if count := session.scalar(sa.select(sa.func.count()).where(is_too_long)):
                yield Alert(self.code, self.message, {"count": count})
            return
        for name in session.scalars(
            sa.select(self.name).where(is_too_long).order_by(self.name).limit(MOST_NAMED)
        ):
            yield Alert(self.code, self.message, {"name": name}, subject=name)


def register_longest_times(app: Flask, table: Sequence[LongestTime]) -> None:
    """Have the rows of a package's states watched; a code stands once in the whole app."""
    known = longest_times(app)
    known.extend(table)
    codes = [one.code for one in known]
    assert len(codes) == len(set(codes)), f"a code is registered twice: {sorted(codes)}"


def longest_times(app: Flask) -> list[LongestTime]:
    """Return every longest time of this app."""
    known: list[LongestTime] = app.extensions.setdefault("octo.longest_times", [])
    return known


def read_too_long(app: Flask, session: Session, times: Times) -> Vitals:
    """Read what stands longer than it may, in the order of the tables."""
    return Vitals(alerts=[a for one in longest_times(app) for a in one.find(session, times)])
