"""How the books stand: when they were compared, whether money may move on them, who compares now.

One row, written under its lock. Instants are machine time, but for Stripe's ``created``.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from octo.clock import Clock
from octo.database import lock, reading, transaction
from payments.gateway.send_conditions import epoch
from payments.models import BooksState, Discrepancy, Reconciliation

OVERLAP: Final = timedelta(minutes=10)
EVERY: Final = timedelta(minutes=5)
WHOLE_EVERY: Final = timedelta(hours=24)
LEASE: Final = timedelta(seconds=9)
LOOKS_BACK: Final = timedelta(days=7)
"""How old a difference may be for every comparison to look at it again."""


@dataclass(frozen=True)
class Run:
    """One comparison: when it began, and from which of Stripe's instants on; ``None``: all.

    What Stripe made up to ``compared_until`` was there to be seen when last compared.
    """

    began_at: datetime
    since: datetime | None
    compared_until: datetime | None
    holder: str = field(default_factory=lambda: f"comparison:{uuid.uuid4()}")

    @property
    def is_whole(self) -> bool:
        """Tell whether everything is compared."""
        return self.since is None


def read_books_state() -> BooksState:
    """Return how the books stand as last compared, which says nothing of a server new since."""
    with reading() as session:
        found = session.execute(
            sa.select(Reconciliation.state, Reconciliation.epoch == epoch(session))
        ).one_or_none()
    if found is None:
        return BooksState.UNCHECKED
    state, is_of_this_server = found
    is_stale = state is BooksState.CURRENT and not is_of_this_server
    return BooksState.UNCHECKED if is_stale else state


def invalidate_comparison() -> None:
    """Let no money move until the books are compared again: a worker begins, on who knows what."""
    with transaction() as session:
        row = _lock_row(session)
        if row.state is BooksState.CURRENT:
            row.state = BooksState.UNCHECKED


def want_whole() -> None:
    """Have everything compared at the next occasion."""
    with transaction() as session:
        _lock_row(session).is_whole_wanted = True


def begin_if_due(*, clock: Clock) -> Run | None:
    """Take the next comparison that is due, unless another worker is at it.

    Due are: a first one, one every few minutes, one when the last is doubted, and all of it
    daily. The cheap question comes first: this is asked every second.
    """
    with reading() as session:
        row = session.scalars(sa.select(Reconciliation)).one_or_none()
        if row is not None and _find_due(session, row, at=clock.machine_now()) is None:
            return None
    with transaction() as session:
        row = _lock_row(session)
        at = clock.machine_now()
        is_whole = _find_due(session, row, at=at)
        return None if is_whole is None else _take(session, row, at=at, is_whole=is_whole)


def begin_whole(*, clock: Clock) -> Run:
    """Take a whole comparison now, as someone asked for by hand."""
    with transaction() as session:
        return _take(session, _lock_row(session), at=clock.machine_now(), is_whole=True)


def keep(run: Run, *, clock: Clock) -> None:
    """Hold the comparison while it is read: no other worker begins one meanwhile."""
    with transaction() as session:
        row = _lock_row(session)
        if row.holder == run.holder:
            row.lease_until = clock.machine_now() + LEASE


def give_up(run: Run) -> None:
    """Let another worker try: Stripe did not answer."""
    with transaction() as session:
        row = _lock_row(session)
        if row.holder == run.holder:
            row.holder = row.lease_until = None


def finish(session: Session, run: Run, *, state: BooksState, seen_until: datetime | None) -> None:
    """Write down that a comparison came to its end, in the commit that keeps what it found.

    Books that are behind Stripe stay compared as far as they were when they were kept.
    """
    row = _lock_row(session)
    if row.holder == run.holder:
        row.holder = row.lease_until = None
    if row.compared_at is None or run.began_at >= row.compared_at:
        row.state = state
        row.compared_at = run.began_at
        row.epoch = _epoch(session)
    if state is not BooksState.BEHIND_STRIPE:
        known = [instant for instant in (row.seen_until, seen_until) if instant is not None]
        row.seen_until = max(known, default=None)
    if run.is_whole:
        row.whole_at = run.began_at
        row.is_whole_wanted = False


def review(session: Session, state: BooksState) -> None:
    """Let books that were older go on, once a person has answered for all that they lack."""
    row = _lock_row(session)
    if row.state is BooksState.BEHIND_STRIPE:
        row.state = state


def read_comparisons() -> Reconciliation | None:
    """Return how far these books were compared, for a page."""
    with reading() as session:
        return session.scalars(sa.select(Reconciliation)).one_or_none()


def _take(session: Session, row: Reconciliation, *, at: datetime, is_whole: bool) -> Run:
    since = None if is_whole or row.seen_until is None else _since(session, row.seen_until)
    until = None if row.seen_until is None else row.seen_until - OVERLAP
    run = Run(began_at=at, since=since, compared_until=until)
    row.holder, row.lease_until = run.holder, at + LEASE
    return run


def _since(session: Session, seen_until: datetime) -> datetime:
    """Look a little further back than what was seen, and at what was found to differ lately."""
    oldest = session.scalar(
        sa.select(sa.func.min(Discrepancy.occurred_at)).where(
            Discrepancy.opened(), Discrepancy.occurred_at > seen_until - LOOKS_BACK
        )
    )
    since = seen_until - OVERLAP
    return since if oldest is None else min(since, oldest)


def _find_due(session: Session, row: Reconciliation, *, at: datetime) -> bool | None:
    """Tell whether a comparison is due, and whether of everything; nothing when none is.

    What is doubted is compared at once, whoever is at it already: they may be dead.
    """
    if row.compared_at is None:
        return True
    if row.state is BooksState.UNCHECKED or row.epoch != _epoch(session):
        return False
    if row.lease_until is not None and row.lease_until > at:
        return None
    if row.is_whole_wanted:
        return True
    if at - row.compared_at >= EVERY:
        return False
    is_old = row.whole_at is None or at - row.whole_at >= WHOLE_EVERY
    return True if is_old else None


def _epoch(session: Session) -> str:
    return session.execute(sa.select(epoch(session))).scalar_one()


def _lock_row(session: Session) -> Reconciliation:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    session.execute(
        insert(Reconciliation)
        .values(id=1, state=BooksState.UNCHECKED, epoch="", is_whole_wanted=False)
        .on_conflict_do_nothing()
    )
    return lock(session, Reconciliation, id=1)
