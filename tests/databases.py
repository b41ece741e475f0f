"""A database of its own for each test, copied from one that was migrated once."""

import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Protocol

import sqlalchemy as sa

SETTING: Final = "OCTO_TEST_DATABASE"
ENGINES: Final = ("sqlite", "postgresql")

Migrate = Callable[[str], None]


def chosen_engines() -> tuple[str, ...]:
    """Return the engines that the environment asks for; SQLite alone by default."""
    chosen = tuple(os.environ.get(SETTING, "sqlite").split(","))
    assert set(chosen) <= set(ENGINES), f"{SETTING} is one or more of {', '.join(ENGINES)}"
    return chosen


class Databases(Protocol):
    """Where a test gets a database of its own."""

    def fresh(self) -> AbstractContextManager[str]:
        """Give the URL of a migrated, empty database for one test."""
        ...


class SqliteDatabases:
    """Copies of one migrated file."""

    def __init__(self, folder: Path, migrate: Migrate) -> None:
        self._folder = folder
        self._template = folder / "template.sqlite"
        migrate(f"sqlite:///{self._template}")
        with sqlite3.connect(self._template) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Give the URL of a migrated, empty database for one test."""
        path = self._folder / f"{uuid.uuid4().hex}.sqlite"
        shutil.copyfile(self._template, path)
        yield f"sqlite:///{path}"
        for left in self._folder.glob(f"{path.name}*"):
            left.unlink()


class PostgresqlDatabases:
    """Copies of one migrated database of a server that runs as long as the tests."""

    def __init__(self, server_url: str, migrate: Migrate) -> None:
        self._server = sa.make_url(server_url)
        self._admin = sa.create_engine(self._server, isolation_level="AUTOCOMMIT")
        self._execute("CREATE DATABASE template_octo")
        migrate(self._url("template_octo"))

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Give the URL of a migrated, empty database for one test."""
        name = f"test_{uuid.uuid4().hex}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE template_octo")
        yield self._url(name)
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._admin.dispose()

    def _url(self, database: str) -> str:
        return self._server.set(database=database).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(sa.text(statement))
