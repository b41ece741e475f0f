"""What a database holds, kept once and put back as often as one likes, at the same address.

Nobody else may be connected meanwhile.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg.sql import SQL, Identifier

Connection = psycopg.Connection[Any]

_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_NUMBERS: Final = "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences"
_BESIDE: Final = ("-wal", "-shm")


class KeptFile:
    """A file of SQLite and its copy."""

    def __init__(self, path: Path, copy: Path) -> None:
        self.path = path
        self.copy = copy

    def keep(self) -> None:
        """Copy the database as it is now."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(self.path, self.copy)

    def put_back(self) -> None:
        """Put the copy in the place of the database."""
        for left in _BESIDE:
            Path(f"{self.path}{left}").unlink(missing_ok=True)
        shutil.copyfile(self.copy, self.path)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect to the PostgreSQL of a test, past the site; each statement commits by itself."""
    made = sa.make_url(url)
    address = f"host={made.query['host']} dbname={made.database} user={made.username}"
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@dataclass(frozen=True)
class KeptRows:
    """Every row of every table of a PostgreSQL database, and how far the numbers of ids have come.

    They are written past the triggers, which is many times quicker than a new database.
    """

    tables: dict[str, bytes]
    numbers: list[tuple[str, int]]

    @classmethod
    def of(cls, connection: Connection) -> "KeptRows":
        """Remember every row as it is now."""
        names = [name for (name,) in connection.execute(_TABLES).fetchall()]
        return cls(
            {name: _read(connection, name) for name in names},
            connection.execute(_NUMBERS).fetchall(),
        )

    def put_back(self, connection: Connection) -> None:
        """Make every row again what it was."""
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for name, rows in self.tables.items():
                cursor.execute(SQL("DELETE FROM {}").format(Identifier(name)))
                if rows:
                    with cursor.copy(SQL("COPY {} FROM STDIN").format(Identifier(name))) as copy:
                        copy.write(rows)
            for name, number in self.numbers:
                cursor.execute("SELECT setval(%s, %s, %s)", (name, max(number, 1), number > 0))


def _read(connection: Connection, table: str) -> bytes:
    with connection.cursor().copy(SQL("COPY {} TO STDOUT").format(Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)
