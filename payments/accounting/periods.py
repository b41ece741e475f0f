"""Which month of the books a fact is accounted in, and how a month is closed.

Nothing is written on a ledger transaction: its month follows from when it occurred, when it was
posted, and when months were closed, none of which ever changes.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.clock import Clock
from octo.database import transaction
from octo.errors import N_, ConflictError
from octo.writers import find_writers, have_ended
from payments.ledger.models import LedgerTransaction
from payments.models import Period

WRITERS_TIMEOUT_SECONDS: Final = 5.0
_TABLE: Final = LedgerTransaction.__tablename__
_FINEST: Final = timedelta(milliseconds=1)
"""The finest that every database tells the time of a posting."""
_ONE_CLOSING_AT_A_TIME: Final = sa.text("LOCK TABLE period IN SHARE ROW EXCLUSIVE MODE")


class PeriodClosedError(ConflictError):
    """The month is closed already."""

    code = "period_closed"


class PeriodNotOverError(ConflictError):
    """The month is not over yet."""

    code = "period_not_over"


class EarlierPeriodOpenError(ConflictError):
    """An earlier month is open still, and is to be closed first."""

    code = "earlier_period_open"


class StillPostingError(ConflictError):
    """Something that may belong to the month has been posted and is not committed yet."""

    code = "still_posting"


class Closing(NamedTuple):
    """A month that was closed, by its first day, and the machine time when it was."""

    first_on: date
    closed_at: datetime


def month_of(instant: datetime, *, time_zone: str) -> date:
    """Return the first day of the month that an instant falls in, where the platform is."""
    return instant.astimezone(ZoneInfo(time_zone)).date().replace(day=1)


def month_after(first_on: date) -> date:
    """Return the first day of the month after."""
    return (first_on + timedelta(days=31)).replace(day=1)


def accounted_in(
    occurred_at: datetime, posted_at: datetime, closings: Iterable[Closing], *, time_zone: str
) -> date:
    """Return the month of a fact by its first day: the same one, whenever it is asked.

    It is the month in which the fact occurred, unless it was posted after that one was closed:
    then the first that was open at the time. Months close in order, so all before the last that
    was closed were too.
    """
    own = month_of(occurred_at, time_zone=time_zone)
    closed = [one.first_on for one in closings if one.closed_at < posted_at]
    return max(own, month_after(max(closed))) if closed else own


def is_accounted_in(
    first_on: date, closings: Sequence[Closing], *, time_zone: str
) -> sa.ColumnElement[bool]:
    """Return the condition of the ledger transactions of a month: ``accounted_in`` in SQL."""
    fact = LedgerTransaction
    begins, ends = (_first_instant(day, time_zone) for day in (first_on, month_after(first_on)))
    month_before = (first_on - timedelta(days=1)).replace(day=1)
    opened_at, closed_at = (
        min((one.closed_at for one in closings if one.first_on >= day), default=None)
        for day in (month_before, first_on)
    )
    found = sa.and_(fact.occurred_at >= begins, fact.occurred_at < ends)
    if opened_at is not None:
        found = sa.or_(found, sa.and_(fact.occurred_at < begins, fact.posted_at > opened_at))
    return found if closed_at is None else sa.and_(found, fact.posted_at <= closed_at)


def check_can_close(
    first_on: date, *, last_closed: date | None, first_booked: date | None, this_month: date
) -> None:
    """Refuse to close a month that is closed, not over, or has an open one before it.

    ``first_booked`` is the month of the oldest fact in the books: none before it is missed.
    """
    if last_closed is not None and first_on <= last_closed:
        raise PeriodClosedError(N_("This month is closed already."))
    if first_on >= this_month:
        raise PeriodNotOverError(N_("This month is not over yet."))
    due = month_after(last_closed) if last_closed else first_booked
    if due is not None and due < first_on:
        raise EarlierPeriodOpenError(
            N_("Close the month of %(month)s first."), month=f"{due:%m/%Y}"
        )


def close_period(first_on: date, *, actor: str, time_zone: str, clock: Clock) -> Period:
    """Close a month for good, on behalf of ``actor``, a public id; its figures are final then.

    What is posted from here on is accounted in a later month. What was posted before and is
    not committed yet is waited for, as nobody could say what the month comes to without it;
    nobody ever waits for the closing. Raises what ``check_can_close`` does, and
    ``StillPostingError`` when a posting lasts too long.
    """
    assert first_on.day == 1, "a month is named by its first day"
    with transaction() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(_ONE_CLOSING_AT_A_TIME)
        now, machine_now = clock.both_now()
        check_can_close(
            first_on,
            last_closed=session.scalar(
                sa.select(sa.func.max(Period.first_on)).where(Period.closed_at.is_not(None))
            ),
            first_booked=_find_first_booked(session, time_zone),
            this_month=month_of(now, time_zone=time_zone),
        )
        writers = find_writers(session, _TABLE)
        if not have_ended(writers, _TABLE, within_seconds=WRITERS_TIMEOUT_SECONDS):
            raise StillPostingError(N_("Something is being posted. Try again in a moment."))
        period = session.scalars(
            sa.select(Period).where(Period.first_on == first_on)
        ).one_or_none() or Period(first_on=first_on)
        # An instant that is over: nobody can post at it any more.
        period.closed_at, period.closed_by = machine_now - _FINEST, actor
        session.add(period)
        return period


def read_closings(session: Session) -> list[Closing]:
    """Read which months were closed, and when, the oldest first."""
    rows = session.execute(
        sa.select(Period.first_on, Period.closed_at)
        .where(Period.closed_at.is_not(None))
        .order_by(Period.first_on)
    )
    return [Closing(first_on, closed_at) for first_on, closed_at in rows if closed_at]


def _find_first_booked(session: Session, time_zone: str) -> date | None:
    oldest = session.scalar(sa.select(sa.func.min(LedgerTransaction.occurred_at)))
    return None if oldest is None else month_of(oldest, time_zone=time_zone)


def _first_instant(day: date, time_zone: str) -> datetime:
    """Return when a day begins where the platform is."""
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone))
    return local.astimezone(UTC)
