"""Migrations: the newest revision is what the models say, and every step can be undone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from octo import schema
from octo.database import db
from tests import site

pytestmark = pytest.mark.both_engines


@pytest.fixture
def app(database: str, tmp_path: Path) -> Iterator[Flask]:
    """Build the site without Stripe."""
    built = site.build_app(site.site_environ(database, tmp_path / "instance"))
    with built.app_context():
        yield built
    site.close(built)


def _run(app: Flask, *arguments: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["db", *arguments])
    return result.exit_code, result.output


def test_models_and_migrations_agree(app: Flask) -> None:
    assert _run(app, "check") == (0, "0 differences\n")


@pytest.mark.parametrize(
    "drift",
    [
        "CREATE TABLE forgotten (id integer)",
        "ALTER TABLE campaign ADD COLUMN forgotten integer",
        "DROP INDEX ix_ledger_entry_debit",
        "DROP TRIGGER ledger_entry_refuses_{verb}",
    ],
)
def test_a_drift_is_named(app: Flask, drift: str) -> None:
    is_sqlite = db.engine.dialect.name == "sqlite"
    statement = drift.format(verb="update" if is_sqlite else "change ON ledger_entry")
    with db.engine.begin() as connection:
        connection.execute(sa.text(statement))

    code, output = _run(app, "check")

    assert code == 1
    assert "forgotten" in output or "ledger_entry" in output


def test_a_forgotten_check_is_named(app: Flask) -> None:
    table = db.metadata.tables["ledger_entry"]
    planted = sa.CheckConstraint("amount < 7", name="ck_ledger_entry_planted")
    table.append_constraint(planted)
    try:
        assert any("planted" in difference for difference in schema.drift())
    finally:
        table.constraints.remove(planted)


@pytest.mark.parametrize("verb", ["upgrade", "downgrade"])
def test_a_revision_that_is_none_is_bad_use(app: Flask, verb: str) -> None:
    code, told = _run(app, verb, "9999")

    assert code == 2
    assert "REVISION" in told


def test_every_migration_can_be_undone_and_done_again(app: Flask) -> None:
    assert _run(app, "downgrade", "base")[0] == 0
    left = set(sa.inspect(db.engine).get_table_names()) - {"alembic_version"}
    again = _run(app, "upgrade")

    assert left == set()
    assert again[0] == 0
    assert schema.drift() == []
