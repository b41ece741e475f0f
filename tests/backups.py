"""A backup of a test's database, kept and put back as an operator does: with everything stopped."""

from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from tests.kept import KeptFile


class Backup(Protocol):
    """A copy of one database, whichever the engine; nobody may be connected meanwhile."""

    def keep(self) -> None:
        """Copy the database as it is now."""

    def put_back(self) -> None:
        """Put the copy in the place of the database."""


def backup_of(database_url: str) -> Backup:
    """Return how the database of a test is backed up."""
    url = sa.make_url(database_url)
    if url.drivername == "sqlite":
        return KeptFile(Path(str(url.database)), Path(f"{url.database}_backup"))
    return ClonedDatabase(url)


class ClonedDatabase:
    """A database of PostgreSQL and its copy, which is another database when it is put back."""

    def __init__(self, url: sa.URL) -> None:
        self._url = url
        self._copy = f"{url.database}_backup"

    def keep(self) -> None:
        self._execute(f'CREATE DATABASE "{self._copy}" TEMPLATE "{self._url.database}"')

    def put_back(self) -> None:
        self._execute(
            f'DROP DATABASE "{self._url.database}" WITH (FORCE)',
            f'ALTER DATABASE "{self._copy}" RENAME TO "{self._url.database}"',
        )

    def _execute(self, *statements: str) -> None:
        engine = sa.create_engine(self._url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()
