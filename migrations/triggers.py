"""The triggers that keep what is written: a list, and the SQL that makes it so.

Migrations create them from here. Alembic's batch mode rebuilds a table on SQLite and drops
its triggers without a word: after one, call ``create`` for that table again. A test compares
the database with this list.
"""

from typing import Final

import sqlalchemy as sa

IMMUTABLE: Final = {
    "ledger_transaction": "a ledger transaction is immutable",
    "ledger_entry": "a ledger entry is immutable",
    "stripe_movement": "a movement is immutable",
    "settlement": "a settlement document is immutable",
    "audit_event": "the audit trail is immutable",
    "event": "an event is immutable",
    "document": "a document is immutable",
    "period": "a closed month is immutable",
}
FILLED_ONCE: Final = {
    "document": ("voided_by_id", "file_name", "file_sha256"),
    "period": ("closed_at", "closed_by"),
}
"""Columns of such a table that may be filled once, where nothing stood."""

# REPLACE deletes first, and fires the second one: every connection of ours sets
# `recursive_triggers`.
_ON_SQLITE: Final = """
CREATE TRIGGER {name} BEFORE {verb} ON {table}{when}
BEGIN SELECT RAISE(ABORT, '{message}'); END
"""
_ON_POSTGRESQL: Final = """
CREATE TRIGGER {name} BEFORE {verb} ON {table}
FOR EACH {level}{when} EXECUTE FUNCTION refuse_change('{message}')
"""
_FUNCTION: Final = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$
"""


def names(dialect: str, table: str) -> dict[str, str]:
    """Return the verbs that each trigger of one table refuses, by its name."""
    if dialect == "sqlite":
        verbs = {"update": "UPDATE", "delete": "DELETE"}
    elif table in FILLED_ONCE:
        verbs = {"update": "UPDATE", "change": "DELETE OR TRUNCATE"}
    else:
        verbs = {"change": "UPDATE OR DELETE OR TRUNCATE"}
    return {f"{table}_refuses_{name}": verb for name, verb in verbs.items()}


def create(connection: sa.Connection, *tables: str) -> None:
    """Create the triggers of these tables."""
    dialect = connection.dialect.name
    pattern = _ON_SQLITE if dialect == "sqlite" else _ON_POSTGRESQL
    for table in tables:
        for name, verb in names(dialect, table).items():
            is_by_row = verb == "UPDATE" and table in FILLED_ONCE
            sql = pattern.format(
                name=name,
                verb=verb,
                table=table,
                message=IMMUTABLE[table],
                level="ROW" if is_by_row else "STATEMENT",
                when=f" WHEN ({_is_changed(connection, table)})" if is_by_row else "",
            )
            connection.execute(sa.text(sql.strip()))


def _is_changed(connection: sa.Connection, table: str) -> str:
    """Say in SQL that a column is another now, but for one filled where nothing stood.

    Of the columns there are: whoever adds one makes the triggers anew.
    """
    differs = "IS NOT" if connection.dialect.name == "sqlite" else "IS DISTINCT FROM"
    changes = []
    for column in sa.inspect(connection).get_columns(table):
        name = column["name"]
        change = f"OLD.{name} {differs} NEW.{name}"
        is_once = name in FILLED_ONCE[table]
        changes.append(f"(OLD.{name} IS NOT NULL AND {change})" if is_once else change)
    return " OR ".join(changes)


def drop(connection: sa.Connection, *tables: str) -> None:
    """Drop the triggers of these tables, before the tables themselves may change."""
    for table in tables:
        for name in names(connection.dialect.name, table):
            on = "" if connection.dialect.name == "sqlite" else f" ON {table}"
            connection.execute(sa.text(f"DROP TRIGGER {name}{on}"))


def create_function(connection: sa.Connection) -> None:
    """Create what the triggers of PostgreSQL call."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(_FUNCTION))


def drop_function(connection: sa.Connection) -> None:
    """Drop what the triggers of PostgreSQL call."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("DROP FUNCTION refuse_change()"))


def present(connection: sa.Connection) -> dict[str, str]:
    """Return the triggers a database has: the table of each, by its name."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND tgenabled <> 'D'"
        )
    return dict(connection.execute(sa.text(query)).all())


def expected(dialect: str) -> dict[str, str]:
    """Return the triggers a database must have: the table of each, by its name."""
    return {name: table for table in IMMUTABLE for name in names(dialect, table)}
