"""Which transactions may still write to a table, on a database that gives ids before commits.

On PostgreSQL a smaller id may appear after a larger one. Whoever could still commit an id up to
the newest one we see holds a lock on the table already: those, and only those, are waited for.
On SQLite there is one writer at a time, and ids appear in their order.
"""

import time
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.database import reading

POLL_SECONDS: Final = 0.02
_WRITERS: Final = sa.text("""
SELECT virtualtransaction FROM pg_locks
WHERE relation = CAST(:table_name AS regclass)
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode = 'RowExclusiveLock' AND granted
""")


def find_writers(session: Session, table: str) -> frozenset[str]:
    """Return the transactions that may be writing to a table now."""
    if session.get_bind().dialect.name == "sqlite":
        return frozenset()
    return frozenset(session.scalars(_WRITERS, {"table_name": table}))


def have_ended(writers: frozenset[str], table: str, *, within_seconds: float) -> bool:
    """Wait until these transactions are over, for a while at most."""
    end = time.monotonic() + within_seconds
    while writers and time.monotonic() < end:
        with reading() as session:
            writers &= find_writers(session, table)
        if writers:
            time.sleep(POLL_SECONDS)
    return not writers
