"""Numbers of documents: a series each, and in a series no number twice and none left out."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from octo.database import lock
from payments.models import DocumentSeries


def next_position(session: Session, series: str) -> int:
    """Give the next place in a series, without gaps: a rolled-back document gives it back.

    The series stays locked until the transaction ends, so that whoever comes next waits.
    """
    row = _lock_series(session, series)
    row.last_number += 1
    session.flush()
    return row.last_number


def reserve_number(session: Session, number: str) -> None:
    """Never give a number again that Stripe has seen, though these books have forgotten it."""
    series, last = parse_number(number)
    row = _lock_series(session, series)
    row.last_number = max(row.last_number, last)
    session.flush()


def format_number(series: str, position: int) -> str:
    """Write a place in a series as it stands on a document."""
    return f"{series}-{position:04d}"


def parse_number(number: str) -> tuple[str, int]:
    """Return the series of a number, and its place there."""
    series, _, position = number.rpartition("-")
    return series, int(position)


def _lock_series(session: Session, series: str) -> DocumentSeries:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    session.execute(
        insert(DocumentSeries).values(name=series, last_number=0).on_conflict_do_nothing()
    )
    return lock(session, DocumentSeries, name=series)
