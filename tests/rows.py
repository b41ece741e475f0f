"""The rows of a PostgreSQL database, kept once and put back as often as one likes.

They are written past the triggers, which is many times quicker than a new database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import sqlalchemy as sa

Connection = psycopg.Connection[Any]

_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_NUMBERS: Final = "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences"


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect to the database of a test, past the site; each statement commits by itself."""
    made = sa.make_url(url)
    address = f"host={made.query['host']} dbname={made.database} user={made.username}"
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@dataclass(frozen=True)
class Rows:
    """Every row of every table, and how far the numbers of their ids have come."""

    tables: dict[str, bytes]
    numbers: list[tuple[str, int]]

    @classmethod
    def of(cls, connection: Connection) -> "Rows":
        """Remember every row as it is now."""
        names = [name for (name,) in connection.execute(_TABLES).fetchall()]
        return cls(
            {name: _read(connection, name) for name in names},
            connection.execute(_NUMBERS).fetchall(),
        )

    def put_back(self, connection: Connection) -> None:
        """Make every row again what it was; nobody else is connected meanwhile."""
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for name, rows in self.tables.items():
                cursor.execute(f'DELETE FROM "{name}"'.encode())  # noqa: S608 - a table of ours
                if rows:
                    with cursor.copy(f'COPY "{name}" FROM STDIN'.encode()) as copy:
                        copy.write(rows)
            for name, number in self.numbers:
                cursor.execute("SELECT setval(%s, %s, %s)", (name, max(number, 1), number > 0))


def _read(connection: Connection, table: str) -> bytes:
    with connection.cursor().copy(f'COPY "{table}" TO STDOUT'.encode()) as copy:
        return b"".join(bytes(part) for part in copy)
