"""One database that is put back as it was, again and again, at the same address."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Protocol

from tests.databases import Databases
from tests.rows import Rows, connected


class Store(Protocol):
    """A migrated database at one address, which nobody is connected to while it is changed."""

    url: str
    engine: str

    def keep(self) -> None:
        """Remember every row as it is now."""

    def put_back(self) -> None:
        """Make every row again what it was when it was kept, or migrated."""

    def digest(self) -> str:
        """Return what tells these rows from others; when they were posted left aside."""


_POSTED_AT: Final = "posted_at"


def digest_of(connection: sqlite3.Connection) -> str:
    """Return what tells the committed rows of a SQLite database from others."""
    digest = hashlib.sha256()
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " ORDER BY name"
    )
    for (table,) in tables.fetchall():
        rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names of our own tables
        names = [column[0] for column in rows.description]
        told = [place for place, name in enumerate(names) if name != _POSTED_AT]
        digest.update(table.encode())
        for row in rows:
            digest.update(repr([row[place] for place in told]).encode())
    return digest.hexdigest()


class SqliteStore:
    """A file and its copy."""

    engine = "sqlite"

    def __init__(self, url: str) -> None:
        self.url = url
        self._path = Path(url.removeprefix("sqlite:///"))
        self._kept = self._path.with_suffix(".kept")
        self.keep()

    def keep(self) -> None:
        with closing(sqlite3.connect(self._path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(self._path, self._kept)

    def put_back(self) -> None:
        for left in ("-wal", "-shm"):
            Path(f"{self._path}{left}").unlink(missing_ok=True)
        shutil.copyfile(self._kept, self._path)

    def digest(self) -> str:
        with closing(sqlite3.connect(self._path)) as connection:
            return digest_of(connection)


class PostgresqlStore:
    """A database whose rows are put back."""

    engine = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url
        self.keep()

    def keep(self) -> None:
        with connected(self.url) as connection:
            self._rows = Rows.of(connection)

    def put_back(self) -> None:
        with connected(self.url) as connection:
            self._rows.put_back(connection)

    def digest(self) -> str:
        row = f"(to_jsonb(t) - '{_POSTED_AT}')::text"
        told = f"md5(string_agg({row}, ',' ORDER BY {row}))"
        parts = [f'(SELECT {told} FROM "{table}" t)' for table in self._rows.tables]  # noqa: S608 - names of our own tables
        with connected(self.url) as connection:
            found = connection.execute(f"SELECT {', '.join(parts)}".encode()).fetchone()
        return hashlib.sha256(repr(found).encode()).hexdigest()


@contextmanager
def store_of(databases: Databases) -> Iterator[Store]:
    """Give a database to put back as often as one likes."""
    with databases.fresh() as url:
        yield SqliteStore(url) if url.startswith("sqlite") else PostgresqlStore(url)
