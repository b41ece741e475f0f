"""Watches the order in which rows are locked: whoever takes them in another order fails its test.

Pledges, then payments and cards, then campaigns, then all others; attempts before everything, by
who writes down what came of them. A table once locked in a transaction may be locked again.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import ORMExecuteState, Session

RANKS: Final = {
    "attempt": 0,
    "pledge": 1,
    "payment": 2,
    "saved_card": 2,
    "campaign": 3,
    **dict.fromkeys(("reward", "refund", "dispute", "transfer", "transfer_reversal"), 4),
    **dict.fromkeys(("owner_debt", "document_series", "connected_account"), 4),
}
REFERS: Final = {"pledge_link": "pledge"}
"""What PostgreSQL locks of itself when a row that refers to another is written."""

_WRITTEN: Final = re.compile(r"(?<!FOR )(?<!DO )\b(UPDATE|INSERT INTO) (\w+)")
_HELD: Final = "tests.locked_tables"


class OutOfOrderError(AssertionError):
    """A row was locked after one that everybody locks later."""


class Watch:
    """What each connection has locked in its transaction, and who came too late."""

    def __init__(self) -> None:
        self.told: list[OutOfOrderError] = []

    def forget(self, connection: sa.Connection) -> None:
        """Begin a transaction: nothing is held."""
        connection.info[_HELD] = []

    def take(self, connection: sa.Connection, table: str, *, may_wait: bool) -> None:
        """Record one more table as locked, or refuse one that comes too late.

        A row just written is nobody else's, and what passes locked rows over never waits: both
        may come at any time.
        """
        held: list[str] = connection.info.setdefault(_HELD, [])
        if table not in RANKS or table in held:
            return
        late = [one for one in held if RANKS[one] > RANKS[table]]
        if late and may_wait:
            error = OutOfOrderError(f"{table} is locked after {', '.join(late)}")
            self.told.append(error)
            raise error
        held.append(table)


@contextmanager
def watched_locks(engine: sa.Engine) -> Iterator[Watch]:
    """Watch every transaction on this engine; what came too late is told when all is over, too.

    The code it interrupts may have an answer to errors, so that nothing else would tell of it.
    """
    watch = Watch()

    def on_execute(
        connection: sa.Connection, _cursor: object, statement: str, *_more: object
    ) -> None:
        for verb, table in _WRITTEN.findall(statement):
            may_wait = verb == "UPDATE" or table in REFERS
            watch.take(connection, REFERS.get(table, table), may_wait=may_wait)

    def on_select(state: ORMExecuteState) -> None:
        wanted: Any = getattr(state.statement, "_for_update_arg", None)
        if not state.is_select or wanted is None or state.bind_mapper is None:
            return
        connection = state.session.connection()
        if connection.engine is engine:
            table = str(state.bind_mapper.local_table.description)
            watch.take(connection, table, may_wait=not wanted.skip_locked)

    listened = (
        (engine, "begin", watch.forget),
        (engine, "before_cursor_execute", on_execute),
        (Session, "do_orm_execute", on_select),
    )
    for target, name, listener in listened:
        sa.event.listen(target, name, listener)
    try:
        yield watch
    finally:
        for target, name, listener in listened:
            sa.event.remove(target, name, listener)
    assert watch.told == []
