"""Two clocks: business time, which a demo may move, and machine time, which nothing moves.

Both are the database's, so that every process on every machine agrees. Deadlines, states
and documents use business time; leases, pacing and back-off use machine time.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from octo.database import Id, Model, reading
from octo.errors import N_, ConflictError


class BusinessClock(Model):
    """How far business time is from the database's own; one row, in demo and tests.

    While ``is_moving``, workers claim nothing: time goes from one due event to the next.
    """

    __tablename__ = "business_clock"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one_row"),)

    id: Mapped[Id]
    offset_seconds: Mapped[int] = mapped_column(sa.BigInteger())
    is_moving: Mapped[bool] = mapped_column(default=False)


class Clock(Protocol):
    """Where services learn the time; aware, in UTC."""

    def now(self) -> datetime:
        """Return business time."""

    def machine_now(self) -> datetime:
        """Return machine time."""

    def both_now(self) -> tuple[datetime, datetime]:
        """Return business time and machine time, read together."""


class DatabaseClock:
    """The clock of the database in use, read within the open transaction."""

    def now(self) -> datetime:
        """Return business time: the database's own plus the offset row."""
        return self.both_now()[0]

    def machine_now(self) -> datetime:
        """Return the database's own time."""
        with reading() as session:
            return _aware(session.execute(sa.select(_database_now(session))).scalar_one())

    def both_now(self) -> tuple[datetime, datetime]:
        """Return business time and the database's own, read by one statement."""
        with reading() as session:
            offset = sa.select(BusinessClock.offset_seconds).scalar_subquery()
            found, seconds = session.execute(sa.select(_database_now(session), offset)).one()
            machine = _aware(found)
            return machine + timedelta(seconds=seconds or 0), machine


def _database_now(session: Session) -> sa.ColumnElement[object]:
    if session.get_bind().dialect.name == "sqlite":
        return sa.func.strftime("%Y-%m-%d %H:%M:%f", "now")
    return sa.func.clock_timestamp()


def _aware(value: object) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)


def move_clock(session: Session, clock: Clock, *, to: datetime) -> None:
    """Move business time to ``to`` (UTC); only a demo or a test may.

    The first move may go back, so that a demo plays a season already past; later ones only
    go forward: raises ``ConflictError``.
    """
    seconds = math.ceil((to - clock.machine_now()).total_seconds())
    row = session.get(BusinessClock, 1)
    if row is None:
        session.add(BusinessClock(id=1, offset_seconds=seconds))
    elif seconds < row.offset_seconds:
        raise ConflictError(N_("Time only goes forward."))
    else:
        row.offset_seconds = seconds


def real_now() -> datetime:
    """Return this machine's own time, for webhook signatures and file names only."""
    return datetime.now(UTC)
