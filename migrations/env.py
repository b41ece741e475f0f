"""How Alembic reaches the app's database and writes its tables down; run by ``flask db``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.schema import SchemaItem

from octo.database import UtcDateTime, db
from octo.schema import check_name, check_text

LOCK_TIMEOUT: Final = "5s"


def render(_kind: str, item: SchemaItem, _context: AutogenContext) -> str | Literal[False]:
    """Write our own column types as plain ones, and every constraint with its whole name."""
    match item:
        case UtcDateTime():
            return "sa.DateTime(timezone=True)"
        case sa.Enum():
            return f"sa.String(length={item.length})"
        case sa.CheckConstraint():
            return f"sa.CheckConstraint({check_text(item)!r}, name=op.f({check_name(item)!r}))"
    return False


def migrate(connection: sa.Connection) -> None:
    """Run the migrations asked for, each in a transaction of its own."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_item=render,
        transaction_per_migration=True,
    )
    with _tables_may_be_made_anew(connection), context.begin_transaction():
        context.run_migrations()


@contextmanager
def _tables_may_be_made_anew(connection: sa.Connection) -> Iterator[None]:
    """Let SQLite drop a table that others point to, and look afterwards that all still do.

    The pragma does nothing inside a transaction, so it goes past SQLAlchemy, which begins one.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        assert not broken, f"rows that point to nothing: {broken[:5]}"
    finally:
        connection.rollback()
        raw.execute("PRAGMA foreign_keys = ON")


with db.engine.connect() as connection:
    migrate(connection)
