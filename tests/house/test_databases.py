"""A test's database is empty and as it was migrated, whatever the tests before it did."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.databases import BOTH, SETTING, Databases, chosen_engines, engines_for, migrated_file
from tests.kept import connected
from tests.seeds import SETTING as SEED

FILLED: Final = "INSERT INTO poll_cursor (name, seen_until) VALUES ('a list', now()) RETURNING id"
CURSORS: Final = "SELECT count(*) FROM poll_cursor"
ALTERED: Final = (
    "DO $$ BEGIN EXECUTE format("
    "'ALTER DATABASE %I SET deadlock_timeout = ''3s''', current_database()); END $$"
)
OID: Final = "SELECT oid FROM pg_database WHERE datname = current_database()"
CHANGES: Final = [
    "ALTER TABLE poll_cursor ADD COLUMN more text",
    "ALTER TABLE poll_cursor ALTER COLUMN name DROP NOT NULL",
    "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
    "DROP INDEX ix_ledger_entry_debit",
    ALTERED,
]


@pytest.fixture
def of_postgresql(databases: Callable[[str], Databases]) -> Databases:
    if "postgresql" not in chosen_engines():
        pytest.skip("only PostgreSQL's databases are used again")
    return databases("postgresql")


def ask(url: str, statement: str) -> Any:
    with connected(url) as connection:
        found = connection.execute(statement.encode())
        return found.fetchone() if found.description else None


def test_what_a_test_wrote_is_gone_and_numbers_begin_anew(of_postgresql: Databases) -> None:
    with of_postgresql.fresh() as url:
        first = ask(url, FILLED)
        oid = ask(url, OID)
    with of_postgresql.fresh() as again:
        assert again != url
        assert ask(again, OID) == oid
        assert ask(again, CURSORS) == (0,)
        assert ask(again, FILLED) == first


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_schema_is_not_handed_on(of_postgresql: Databases, change: str) -> None:
    with of_postgresql.fresh() as url:
        ask(url, change)
        changed = ask(url, OID)
    with of_postgresql.fresh() as again:
        oid = ask(again, OID)

    assert oid != changed


@pytest.mark.parametrize(
    ("seed", "both", "neutral"),
    [("0", "", ("sqlite",)), ("1", "", ("postgresql",)), ("0", "1", ("sqlite", "postgresql"))],
)
def test_what_the_database_has_no_part_in_runs_on_the_engine_of_the_day(
    monkeypatch: pytest.MonkeyPatch, seed: str, both: str, neutral: tuple[str, ...]
) -> None:
    for name, value in ((SETTING, "sqlite,postgresql"), (SEED, seed), (BOTH, both)):
        monkeypatch.setenv(name, value)

    assert engines_for(is_about_the_database=False) == neutral
    assert engines_for(is_about_the_database=True) == ("sqlite", "postgresql")


def test_one_engine_is_chosen_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "postgresql")

    assert engines_for(is_about_the_database=False) == ("postgresql",)
    assert engines_for(is_about_the_database=True) == ("postgresql",)


class Migrating:
    """A migration that counts how often it is run, and may be killed in the middle of one."""

    def __init__(self) -> None:
        self.runs = 0
        self.is_killed = False

    def __call__(self, url: str) -> None:
        self.runs += 1
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            database.execute("CREATE TABLE made (id)")
            if self.is_killed:
                raise KeyboardInterrupt
            database.execute("CREATE TABLE whole (id)")


def test_a_template_is_migrated_once_until_the_migrations_change(tmp_path: Path) -> None:
    migrations, folder, migrate = tmp_path / "migrations", tmp_path / "templates", Migrating()
    migrations.mkdir()
    (migrations / "0001.py").write_text("first")

    first = [migrated_file(folder, migrate, migrations) for _ in range(2)]
    (migrations / "0002.py").write_text("second")
    second = migrated_file(folder, migrate, migrations)

    assert first[0] == first[1] != second
    assert migrate.runs == 2
    assert sorted(folder.iterdir()) == sorted([first[0], second])


def test_who_is_killed_leaves_no_half_made_template(tmp_path: Path) -> None:
    migrate = Migrating()
    migrate.is_killed = True
    with pytest.raises(KeyboardInterrupt):
        migrated_file(tmp_path, migrate, tmp_path)

    migrate.is_killed = False
    made = migrated_file(tmp_path, migrate, tmp_path)

    with contextlib.closing(sqlite3.connect(made)) as database:
        tables = database.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("made",), ("whole",)]
