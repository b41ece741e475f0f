"""A backup of a test's database, kept and put back as an operator does: with everything stopped."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa


class Backup:
    """A copy of one database, whichever the engine; nobody may be connected meanwhile."""

    def __init__(self, database_url: str) -> None:
        self._url = sa.make_url(database_url)
        self._copy = f"{self._url.database}_backup"

    def keep(self) -> None:
        """Copy the database as it is now."""
        if self._url.drivername == "sqlite":
            self._copy_file(str(self._url.database), self._copy)
        else:
            self._execute(f'CREATE DATABASE "{self._copy}" TEMPLATE "{self._url.database}"')

    def put_back(self) -> None:
        """Put the copy in the place of the database."""
        if self._url.drivername == "sqlite":
            for left in ("-wal", "-shm"):
                Path(f"{self._url.database}{left}").unlink(missing_ok=True)
            shutil.copyfile(self._copy, str(self._url.database))
        else:
            self._execute(
                f'DROP DATABASE "{self._url.database}" WITH (FORCE)',
                f'ALTER DATABASE "{self._copy}" RENAME TO "{self._url.database}"',
            )

    def _copy_file(self, source: str, target: str) -> None:
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(source, target)

    def _execute(self, *statements: str) -> None:
        engine = sa.create_engine(self._url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()
