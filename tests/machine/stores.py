"""One database that is put back as it was, again and again, at the same address."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Protocol

from psycopg.sql import SQL, Identifier

from tests.databases import Databases
from tests.kept import KeptFile, KeptRows, connected


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
        answer = [place for place, name in enumerate(names) if name != _POSTED_AT]
        digest.update(table.encode())
        for row in rows:
            digest.update(repr([row[place] for place in answer]).encode())
    return digest.hexdigest()


class SqliteStore(KeptFile):
    """A file and its copy."""

    engine = "sqlite"

    def __init__(self, url: str) -> None:
        path = Path(url.removeprefix("sqlite:///"))
        super().__init__(path, path.with_suffix(".kept"))
        self.url = url
        self.keep()

    def digest(self) -> str:
        with closing(sqlite3.connect(self.path)) as connection:
            return digest_of(connection)


class PostgresqlStore:
    """A database whose rows are put back."""

    engine = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url
        self.keep()

    def keep(self) -> None:
        with connected(self.url) as connection:
            self._rows = KeptRows.of(connection)

    def put_back(self) -> None:
        with connected(self.url) as connection:
            self._rows.put_back(connection)

    def digest(self) -> str:
        with connected(self.url) as connection:
            answer = [
                connection.execute(_TELL_ROWS.format(Identifier(name)), {"aside": _POSTED_AT})
                for name in self._rows.tables
            ]
            return hashlib.sha256(repr([one.fetchone() for one in answer]).encode()).hexdigest()


_TELL_ROWS: Final = SQL(
    "SELECT md5(string_agg(told, ',' ORDER BY told))"
    " FROM (SELECT (to_jsonb(kept) - %(aside)s::text)::text AS told FROM {} kept) rows"
)


@contextmanager
def store_of(databases: Databases) -> Iterator[Store]:
    """Give a database to put back as often as one likes."""
    with databases.fresh() as url:
        yield SqliteStore(url) if url.startswith("sqlite") else PostgresqlStore(url)
