"""A database of its own for each test, copied from one that was migrated once."""

import hashlib
import os
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final, Protocol

import sqlalchemy as sa

from octo import schema
from octo.config import ROOT
from tests.kept import KeptFile, KeptRows, connected
from tests.seeds import seed_of_this_run

SETTING: Final = "OCTO_TEST_DATABASE"
BOTH: Final = "OCTO_BOTH"
ENGINES: Final = ("sqlite", "postgresql")
TEMPLATES: Final = ROOT / "build" / "databases"
MIGRATIONS: Final = (ROOT / "migrations", Path(schema.__file__))

Migrate = Callable[[str], None]


def chosen_engines() -> tuple[str, ...]:
    """Return the engines that the environment asks for; SQLite alone by default."""
    chosen = tuple(os.environ.get(SETTING, "sqlite").split(","))
    assert set(chosen) <= set(ENGINES), f"{SETTING} is one or more of {', '.join(ENGINES)}"
    return chosen


def engine_of_today() -> str:
    """Return the one of the chosen engines whose turn it is, by the seed."""
    engines = chosen_engines()
    return engines[seed_of_this_run() % len(engines)]


def engines_for(*, is_about_the_database: bool) -> tuple[str, ...]:
    """Return the engines a test runs on: the one of today, unless it is about the database."""
    if is_about_the_database or os.environ.get(BOTH) == "1":
        return chosen_engines()
    return (engine_of_today(),)


def migrated_file(folder: Path, migrate: Migrate, *migrations: Path) -> Path:
    """Return a migrated file of SQLite, kept in a folder for as long as the migrations are these.

    It is made aside and then renamed: whoever is killed leaves nothing half made, and of two who
    make it at once each finds a whole one.
    """
    template = folder / f"{_digest(migrations or MIGRATIONS)}.sqlite"
    if not template.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as aside:
            made, copy = Path(aside, "made.sqlite"), Path(aside, "copy.sqlite")
            migrate(f"sqlite:///{made}")
            KeptFile(made, copy).keep()
            copy.replace(template)
    return template


def _digest(migrations: Iterable[Path]) -> str:
    """Return what changes whenever a migrated database may be another one."""
    versions = [sqlite3.sqlite_version, *(version(name) for name in ("alembic", "sqlalchemy"))]
    digest = hashlib.sha256(" ".join(versions).encode())
    for root in migrations:
        for file in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            digest.update(f"\n{file.relative_to(root)}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


class Databases(Protocol):
    """Where a test gets a database of its own."""

    def fresh(self) -> AbstractContextManager[str]:
        """Give the URL of a migrated, empty database for one test."""
        ...


class SqliteDatabases:
    """Copies of one migrated file."""

    def __init__(self, folder: Path, migrate: Migrate) -> None:
        self._folder = folder
        self._template = migrated_file(TEMPLATES, migrate)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Give the URL of a migrated, empty database for one test."""
        path = self._folder / f"{uuid.uuid4().hex}.sqlite"
        KeptFile(path, self._template).put_back()
        yield f"sqlite:///{path}"
        for left in self._folder.glob(f"{path.name}*"):
            left.unlink()


class PostgresqlDatabases:
    """Copies of one migrated database of a server that runs as long as the tests.

    A copy that a test has filled is emptied for the next, unless its schema was changed too.
    """

    def __init__(self, server_url: str, migrate: Migrate) -> None:
        self._server = sa.make_url(server_url)
        self._admin = sa.create_engine(self._server, isolation_level="AUTOCOMMIT")
        self._emptied: list[str] = []
        self._execute("CREATE DATABASE template_octo")
        migrate(self._url("template_octo"))
        with connected(self._url("template_octo")) as connection:
            self._rows = KeptRows.of(connection)
            self._schema = connection.execute(_SCHEMA).fetchone()

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Give the URL of a migrated, empty database for one test.

        Its name is new each time: who still knows an earlier test's finds nothing there.
        """
        name = f"test_{uuid.uuid4().hex}"
        if self._emptied:
            self._execute(f"ALTER DATABASE {self._emptied.pop()} RENAME TO {name}")
        else:
            self._execute(f"CREATE DATABASE {name} TEMPLATE template_octo")
        yield self._url(name)
        if self._empty(name):
            self._emptied.append(name)
        else:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._admin.dispose()

    def _empty(self, name: str) -> bool:
        """Send away whoever is still there, and every row; tell whether all is as it was made."""
        with connected(self._url(name)) as connection:
            connection.execute(_ALONE)
            is_as_made = connection.execute(_SCHEMA).fetchone() == self._schema
            if is_as_made:
                self._rows.put_back(connection)
            return is_as_made

    def _url(self, database: str) -> str:
        return self._server.set(database=database).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(sa.text(statement))


_ALONE: Final = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_SCHEMA: Final = """
WITH made AS (
    SELECT oid AS owner, 0 AS part, xmin FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT attrelid, attnum, a.xmin FROM pg_attribute a
        JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT oid, 0, xmin FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT oid, 0, xmin FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT oid, 0, xmin FROM pg_trigger
)
SELECT md5(string_agg(concat(owner, ' ', part, ' ', xmin), ',' ORDER BY owner, part, xmin::text)),
    (SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
     WHERE datname = current_database())
FROM made
"""
"""Which transaction made each part of the schema: a copy has those of what it was copied from."""
