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
}

# REPLACE deletes first, and fires the second one: every connection of ours sets
# `recursive_triggers`.
_ON_SQLITE: Final = """
CREATE TRIGGER {name} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{message}'); END
"""
_ON_POSTGRESQL: Final = """
CREATE TRIGGER {name} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('{message}')
"""
_FUNCTION: Final = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$
"""


def definitions(dialect: str, table: str) -> dict[str, str]:
    """Return the SQL of each trigger of one table, by its name."""
    if dialect == "sqlite":
        patterns = dict.fromkeys(("update", "delete"), _ON_SQLITE)
    else:
        patterns = {"change": _ON_POSTGRESQL}
    return {
        f"{table}_refuses_{verb}": pattern.format(
            name=f"{table}_refuses_{verb}",
            verb=verb.upper(),
            table=table,
            message=IMMUTABLE[table],
        ).strip()
        for verb, pattern in patterns.items()
    }


def create(connection: sa.Connection, *tables: str) -> None:
    """Create the triggers of these tables."""
    for table in tables:
        for sql in definitions(connection.dialect.name, table).values():
            connection.execute(sa.text(sql))


def drop(connection: sa.Connection, *tables: str) -> None:
    """Drop the triggers of these tables, before the tables themselves may change."""
    for table in tables:
        for name in definitions(connection.dialect.name, table):
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
    return {name: table for table in IMMUTABLE for name in definitions(dialect, table)}
