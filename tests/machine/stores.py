"""One database that is put back as it was, again and again, at the same address."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
import sqlalchemy as sa

from tests.databases import Databases


class Store(Protocol):
    """A migrated database at one address, which nobody is connected to while it is changed."""

    url: str

    def keep(self) -> None:
        """Remember every row as it is now."""

    def put_back(self) -> None:
        """Make every row again what it was when it was kept, or migrated."""


class SqliteStore:
    """A file and its copy."""

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


class PostgresqlStore:
    """A database whose rows are written past its triggers: ten times quicker than a new one."""

    def __init__(self, url: str) -> None:
        self.url = url
        made = sa.make_url(url)
        self._address = f"host={made.query['host']} dbname={made.database} user={made.username}"
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        self._tables = set(sa.inspect(engine).get_table_names()) - {"alembic_version"}
        self._kept: dict[str, bytes] = {}

    def keep(self) -> None:
        with self._connection() as connection, connection.cursor() as cursor:
            for table in sorted(self._tables):
                with cursor.copy(f'COPY "{table}" TO STDOUT'.encode()) as copy:
                    self._kept[table] = b"".join(bytes(part) for part in copy)

    def put_back(self) -> None:
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for table in sorted(self._tables):
                cursor.execute(f'DELETE FROM "{table}"'.encode())  # noqa: S608 - names of our own tables
                if rows := self._kept.get(table):
                    with cursor.copy(f'COPY "{table}" FROM STDIN'.encode()) as copy:
                        copy.write(rows)

    def _connection(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self._address)


@contextmanager
def store_of(databases: Databases) -> Iterator[Store]:
    """Give a database to put back as often as one likes."""
    with databases.fresh() as url:
        yield SqliteStore(url) if url.startswith("sqlite") else PostgresqlStore(url)
