"""Months of the books: a closed one keeps its figures, whatever is posted late."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask, current_app
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from octo.clock import DatabaseClock
from octo.database import db, reading, snapshot, transaction
from octo.errors import ConflictError
from payments.accounting import entries, periods
from payments.accounting.periods import (
    Closing,
    EarlierPeriodOpenError,
    PeriodClosedError,
    PeriodNotOverError,
    StillPostingError,
    accounted_in,
    check_can_close,
    close_period,
    is_accounted_in,
    month_after,
    read_closings,
)
from payments.ledger.models import LedgerEntry, LedgerTransaction
from payments.ledger.posting import post
from payments.models import Period
from payments.models.period import PeriodStatus
from tests.payments.accounting.books import Books

PARIS: Final = "Europe/Paris"
SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = (date(2025, month, 1) for month in (9, 10, 11, 12))
IN_SEPTEMBER, IN_OCTOBER = (datetime(2025, month, 24, 12, tzinfo=UTC) for month in (9, 10))
AUGUST: Final = datetime(2025, 8, 1, tzinfo=UTC)
IN_JANUARY: Final = datetime(2026, 1, 15, tzinfo=UTC)

pytestmark = pytest.mark.both_engines


class In2026(DatabaseClock):
    """The database's clock, with business time in January 2026, whatever the day is."""

    def both_now(self) -> tuple[datetime, datetime]:
        """Return that day, and the machine's own time."""
        return IN_JANUARY, self.machine_now()


def close(month: date) -> Period:
    return close_period(month, actor="usr_1", time_zone=PARIS, clock=In2026())


def book(books: Books, name: str, amount: int, *, at: datetime) -> None:
    """Post an amount that arrived at the bank, under a name of its own."""
    books.post(entries.platform_payout_paid(name, amount, "EUR", at=at))


def figures() -> dict[date, int]:
    """Add up each month as it is read now, and hold one way of reading against the other."""
    with snapshot() as session:
        closings = read_closings(session)
        rows = session.execute(
            sa.select(
                LedgerTransaction.occurred_at, LedgerTransaction.posted_at, LedgerEntry.amount
            ).join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        ).all()
        told: dict[date, int] = {}
        for occurred_at, posted_at, amount in rows:
            month = accounted_in(occurred_at, posted_at, closings, time_zone=PARIS)
            told[month] = told.get(month, 0) + amount
        for month in (SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER):
            summed = (
                sa.select(sa.func.coalesce(sa.func.sum(LedgerEntry.amount), 0))
                .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
                .where(is_accounted_in(month, closings, time_zone=PARIS))
            )
            assert session.scalar(summed) == told.get(month, 0), month
    return told


def test_a_late_fact_keeps_its_instant_and_is_accounted_in_the_first_open_month(
    books: Books,
) -> None:
    book(books, "po_1", 1_00, at=IN_SEPTEMBER)
    book(books, "po_2", 2_00, at=IN_OCTOBER)
    before = figures()
    closed = close(SEPTEMBER)

    book(books, "po_3", 4_00, at=IN_SEPTEMBER)
    after_one = figures()
    close(OCTOBER)
    book(books, "po_4", 8_00, at=IN_SEPTEMBER)
    book(books, "po_5", 16_00, at=IN_OCTOBER)

    assert before == {SEPTEMBER: 1_00, OCTOBER: 2_00}
    assert after_one == {SEPTEMBER: 1_00, OCTOBER: 6_00}
    assert figures() == {SEPTEMBER: 1_00, OCTOBER: 6_00, NOVEMBER: 24_00}
    assert (closed.status, closed.closed_by) == (PeriodStatus.CLOSED, "usr_1")
    posted = sa.select(LedgerTransaction.occurred_at).order_by(LedgerTransaction.id.desc()).limit(1)
    assert db.session.scalar(posted) == IN_OCTOBER


@pytest.mark.parametrize(
    ("month", "last", "first", "refusal"),
    [
        (OCTOBER, SEPTEMBER, SEPTEMBER, None),
        (OCTOBER, None, OCTOBER, None),
        (OCTOBER, None, None, None),
        (SEPTEMBER, None, OCTOBER, None),
        (SEPTEMBER, SEPTEMBER, SEPTEMBER, PeriodClosedError),
        (SEPTEMBER, OCTOBER, SEPTEMBER, PeriodClosedError),
        (DECEMBER, NOVEMBER, SEPTEMBER, PeriodNotOverError),
        (OCTOBER, None, SEPTEMBER, EarlierPeriodOpenError),
        (NOVEMBER, SEPTEMBER, SEPTEMBER, EarlierPeriodOpenError),
    ],
)
def test_months_are_closed_in_order_once_they_are_over(
    month: date, last: date | None, first: date | None, refusal: type[ConflictError] | None
) -> None:
    def check() -> None:
        check_can_close(month, last_closed=last, first_booked=first, this_month=DECEMBER)

    if refusal is None:
        check()
        return
    with pytest.raises(refusal):
        check()


def test_a_month_ends_where_the_platform_is(books: Books) -> None:
    last_minute = datetime(2025, 9, 30, 21, 59, tzinfo=UTC)  # 23:59 in Paris

    book(books, "po_1", 1_00, at=last_minute)
    book(books, "po_2", 2_00, at=last_minute + timedelta(minutes=1))

    assert figures() == {SEPTEMBER: 1_00, OCTOBER: 2_00}


def test_the_books_say_which_months_may_be_closed(books: Books) -> None:
    book(books, "po_1", 1_00, at=IN_SEPTEMBER)

    for month, refusal in (
        (OCTOBER, EarlierPeriodOpenError),
        (date(2026, 1, 1), PeriodNotOverError),
    ):
        with pytest.raises(refusal):
            close(month)
    for month in (SEPTEMBER, OCTOBER):
        close(month)
    with pytest.raises(PeriodClosedError):
        close(SEPTEMBER)

    with reading() as session:
        assert [month for month, _ in read_closings(session)] == [SEPTEMBER, OCTOBER]


@pytest.mark.parametrize(
    "row",
    [
        {"first_on": date(2025, 9, 2)},
        {"first_on": SEPTEMBER, "closed_by": "usr_1"},
        {"first_on": SEPTEMBER, "closed_at": IN_OCTOBER},
    ],
)
def test_the_database_refuses_what_is_no_month_or_half_closed(
    books: Books, row: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(Period(**row))


class Slow:
    """A posting that is under way: posted, and not committed before it may be."""

    def __init__(self, app: Flask, name: str) -> None:
        self.posted, self.may_commit = threading.Event(), threading.Event()
        self._app, self._name = app, name
        self.thread = threading.Thread(target=self._post)

    def _post(self) -> None:
        draft = entries.platform_payout_paid(self._name, 1_00, "EUR", at=IN_SEPTEMBER)
        with self._app.app_context(), transaction() as session:
            post(session, draft)
            self.posted.set()
            self.may_commit.wait(20)


@pytest.fixture
def slow(books: Books) -> Iterator[Slow]:
    """Begin a posting in another thread, and let it end at the end of the test."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("on SQLite who closes waits for the one writer, as everybody does")
    made = Slow(current_app._get_current_object(), "po_slow")  # type: ignore[attr-defined]  # werkzeug's proxy
    made.thread.start()
    made.posted.wait(10)
    yield made
    made.may_commit.set()
    made.thread.join()


def test_who_is_posting_when_a_month_is_closed_is_waited_for(books: Books, slow: Slow) -> None:
    threading.Timer(0.3, slow.may_commit.set).start()

    close(SEPTEMBER)

    closed = figures()
    slow.thread.join()
    assert closed == figures() == {SEPTEMBER: 1_00}


def test_a_month_is_not_closed_over_a_posting_that_does_not_end(
    books: Books, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periods, "WRITERS_TIMEOUT_SECONDS", 0.1)

    with pytest.raises(StillPostingError):
        close(SEPTEMBER)

    with reading() as session:
        assert read_closings(session) == []


@pytest.mark.slow
def test_eight_threads_post_while_months_are_closed_and_no_closed_figure_changes(
    books: Books,
) -> None:
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's proxy
    book(books, "po_first", 1, at=IN_SEPTEMBER)

    def run(number: int) -> None:
        with app.app_context():
            for turn in range(12):
                at = (IN_SEPTEMBER, IN_OCTOBER)[(number + turn) % 2]
                book(books, f"po_{number}_{turn}", 1, at=at)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    seen: dict[date, int] = {}
    for month in (SEPTEMBER, OCTOBER, NOVEMBER):
        close(month)
        seen[month] = figures().get(month, 0)
    for thread in threads:
        thread.join()

    left = figures()
    assert {month: left.get(month, 0) for month in seen} == seen
    assert sum(left.values()) == 1 + 8 * 12


@given(
    occurred=st.integers(0, 150).map(lambda days: AUGUST + timedelta(days=days)),
    posted=st.integers(0, 100),
    moments=st.lists(st.integers(0, 100), max_size=4).map(sorted),
)
def test_no_later_closing_changes_the_month_of_a_fact(
    occurred: datetime, posted: int, moments: list[int]
) -> None:
    def at(moment: int) -> datetime:
        return IN_JANUARY + timedelta(seconds=moment)

    months = (SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER)
    closings = [Closing(month, at(moment)) for month, moment in zip(months, moments, strict=False)]
    known = [one for one in closings if one.closed_at < at(posted)]

    found = accounted_in(occurred, at(posted), closings, time_zone=PARIS)

    assert found == accounted_in(occurred, at(posted), known, time_zone=PARIS)
    assert found not in {one.first_on for one in known}, "a closed month takes nothing in"
    assert found >= periods.month_of(occurred, time_zone=PARIS)
    closed = [one.first_on for one in known]
    own = periods.month_of(occurred, time_zone=PARIS)
    assert found == own or found == month_after(max(closed))
