"""Alter a table on both databases: PostgreSQL in place, SQLite by building it anew.

Alembic's rebuilding of a table drops its triggers without a word; they are kept here.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op
from alembic.operations import BatchOperations

from migrations import triggers


@contextmanager
def altering(table: str) -> Iterator[BatchOperations]:
    """Collect changes of one table, and make them."""
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    with op.batch_alter_table(table, recreate="always" if is_sqlite else "never") as batch:
        yield batch
    if is_sqlite and table in triggers.IMMUTABLE:
        triggers.create(connection, table)


def replace_check(table: str, name: str, says: str) -> None:
    """Have a CHECK of a table say something else; ``name`` is its whole name."""
    with altering(table) as batch:
        batch.drop_constraint(op.f(name), type_="check")
        batch.create_check_constraint(op.f(name), says)
