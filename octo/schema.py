"""Bring the database to a revision of its schema, and tell where it differs from the models."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from migrations import triggers
from octo.config import ROOT
from octo.database import db


def upgrade(revision: str = "head") -> None:
    """Apply the migrations up to ``revision``, each in a transaction of its own."""
    command.upgrade(_config(), revision)


def downgrade(revision: str) -> None:
    """Undo the migrations after ``revision``; ``base`` undoes them all."""
    command.downgrade(_config(), revision)


def write_revision(message: str) -> None:
    """Write the next migration from what differs; to be read and mended by its author."""
    config = _config()
    count = len(list(ScriptDirectory.from_config(config).walk_revisions()))
    command.revision(config, message, autogenerate=True, rev_id=f"{count + 1:04}")


def current_revision() -> str | None:
    """Return the revision the database stands at."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_behind(connection: sa.Connection) -> bool:
    """Tell whether the database lacks a migration that this code needs.

    A revision that this code does not know is a newer one: the schema was widened for the code
    that comes next, which harms nobody.
    """
    head, known = _revisions()
    found = MigrationContext.configure(connection).get_current_revision()
    return found is None or (found in known and found != head)


@cache
def _revisions() -> tuple[str | None, frozenset[str]]:
    script = ScriptDirectory.from_config(_config())
    known = frozenset(one.revision for one in script.walk_revisions())
    return script.get_current_head(), known


def drift() -> list[str]:
    """Name each difference between the models and the database."""
    with db.engine.connect() as connection:
        options = {"compare_type": True, "target_metadata": db.metadata}
        migration = MigrationContext.configure(connection, opts=options)
        tables = [repr(difference) for difference in compare_metadata(migration, db.metadata)]
        return [*tables, *_check_drift(connection), *_trigger_drift(connection)]


def _check_drift(connection: sa.Connection) -> Iterator[str]:
    """Compare the CHECK constraints, which Alembic leaves alone.

    Only SQLite gives their text back as it was written; PostgreSQL has them from the very
    same migrations, so there their names are enough.
    """
    inspector = sa.inspect(connection)
    is_worded = connection.dialect.name == "sqlite"
    for table in db.metadata.sorted_tables:
        if not inspector.has_table(table.name):
            continue
        wanted = {
            (check_name(check), check_text(check) if is_worded else "")
            for check in table.constraints
            if isinstance(check, sa.CheckConstraint)
        }
        found: set[tuple[str, str]] = {
            (str(check["name"]), _one_line(check["sqltext"]) if is_worded else "")
            for check in inspector.get_check_constraints(table.name)
        }
        yield from (f"{table.name} lacks CHECK {name} {text}" for name, text in wanted - found)
        yield from (f"{table.name} has CHECK {name} {text}" for name, text in found - wanted)


def _trigger_drift(connection: sa.Connection) -> Iterator[str]:
    wanted = triggers.expected(connection.dialect.name).items()
    found = triggers.present(connection).items()
    yield from (f"{table} lacks trigger {name}" for name, table in sorted(wanted - found))
    yield from (f"{table} has trigger {name}" for name, table in sorted(found - wanted))


def check_name(check: sa.CheckConstraint) -> str:
    """Return the whole name of a CHECK; those of enums get theirs only when compiled."""
    name, table = str(check.name), check.table.name
    return name if name.startswith("ck_") else f"ck_{table}_{name}"


def check_text(check: sa.CheckConstraint) -> str:
    """Return what a CHECK says, on one line, with its columns unqualified."""
    compiled: Any = check.sqltext.compile(compile_kwargs={"literal_binds": True})
    return _one_line(str(compiled).replace(f"{check.table.name}.", ""))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _config() -> Config:
    return Config(ROOT / "alembic.ini")
