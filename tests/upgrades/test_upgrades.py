"""A database that a release left behind is upgraded, worked on and taken back, with its Stripe."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask import Flask

from stripe_sandbox.client import SandboxClient
from tests.program import Program
from tests.sandbox import running_sandbox
from tests.site import build_app, close, quickened, site_environ
from tests.upgrades.keeping import (
    PASSWORD,
    STRIPE_KEY,
    Place,
    address_of,
    kept_revisions,
    put_back,
)
from tests.visitor import refresh

pytestmark = pytest.mark.slow

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]

PASSING: Final = frozenset({"access_token", "heartbeat"})
"""Tables whose rows end in the course of things: a token's month, a worker's life."""


TRIGGERS: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
}


@dataclass(frozen=True)
class Site:
    """A kept site at work again, with its own Stripe."""

    app: Flask
    database: sa.Engine
    sandbox: SandboxClient
    revision: str

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command, which must end so, and return what it said."""
        refresh()
        result = self.app.test_cli_runner().invoke(args=list(arguments))
        assert result.exit_code in codes, f"{arguments}: {result.output}{result.exception!r}"
        refresh()
        return str(result.stdout)

    def told(self, *arguments: str) -> Any:
        """Run a command and return what it says in JSON."""
        return json.loads(self.run(*arguments, "--json"))

    def check_books(self) -> None:
        """Check the schema and every rule of the ledger."""
        assert self.run("db", "check") == "0 differences\n"
        assert self.told("ledger", "check")["faults"] == []


@pytest.fixture(params=kept_revisions())
def site(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[Site]:
    """Put a kept site back, once for each revision and engine."""
    place = Place(database, tmp_path / "sandbox", tmp_path / "instance")
    with running_sandbox(place.sandbox) as url:
        put_back(request.param, place, tmp_path / "kept", sandbox_url=url)
        stripe = {"STRIPE_API_BASE": url, "STRIPE_SECRET_KEY": STRIPE_KEY}
        app = quickened(build_app({**site_environ(database, place.instance), **stripe}))
        client = SandboxClient(url, STRIPE_KEY)
        engine = sa.create_engine(database, poolclass=sa.NullPool)
        with app.app_context():
            yield Site(app, engine, client, request.param)
        client.close()
        close(app)


def every_row(site: Site) -> Rows:
    """Read every row of every table but the one that tells the revision.

    Columns are told by name: a table made anew may have them in another order.
    """
    found: Rows = {}
    with site.database.connect() as connection:
        for table in _tables(connection):
            columns = sorted(table.columns, key=lambda column: column.name)
            texts = [sa.cast(column, sa.Text) for column in columns]
            rows = connection.execute(sa.select(*texts))
            found[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return found


def every_key(site: Site) -> dict[str, set[Row]]:
    """Read the primary key of every row of every table that keeps its rows."""
    with site.database.connect() as connection:
        return {
            table.name: {tuple(row) for row in connection.execute(sa.select(*table.primary_key))}
            for table in _tables(connection)
            if table.name not in PASSING
        }


def _tables(connection: sa.Connection) -> list[sa.Table]:
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def outline(site: Site) -> dict[str, list[str]]:
    """Tell how the database is made: each table's columns, keys, indexes and checks; triggers."""
    with site.database.connect() as connection:
        triggers = connection.execute(sa.text(TRIGGERS[connection.dialect.name])).scalars()
        made = {"triggers": sorted(triggers)}
        for table, part in _parts(sa.inspect(connection)):
            made.setdefault(table, []).append(part)
    return {table: sorted(parts) for table, parts in made.items()}


def _parts(inspector: sa.Inspector) -> Iterator[tuple[str, str]]:
    """Yield each part of each table, by the name of the table."""
    for (_, table), columns in inspector.get_multi_columns().items():
        for one in columns:
            yield table, f"{one['name']} {one['type']}{'' if one['nullable'] else ' NOT NULL'}"
    for (_, table), indexes in inspector.get_multi_indexes().items():
        for index in indexes:
            yield table, f"{index['name']} {index['column_names']} {index['unique']}"
    for constraints in (
        inspector.get_multi_check_constraints(),
        inspector.get_multi_unique_constraints(),
        inspector.get_multi_foreign_keys(),
    ):
        for (_, table), named in constraints.items():
            yield from ((table, str(one["name"])) for one in named)


def test_a_kept_database_comes_back_from_the_newest_schema_as_it_was(site: Site) -> None:
    rows, made = every_row(site), outline(site)

    site.run("db", "upgrade")
    site.check_books()
    site.run("db", "downgrade", site.revision)

    assert outline(site) == made
    found = every_row(site)
    assert found.keys() == rows.keys()
    for table, kept in rows.items():
        assert found[table] == kept, table


def test_a_kept_site_is_upgraded_and_goes_on_working(site: Site) -> None:
    kept, before = every_key(site), moved(site.sandbox)
    site.run("db", "upgrade")
    site.check_books()

    site.run("worker", "--once", codes=(0, 3))
    receipt = pledge(site)
    read_the_books(site)
    site.run("demo", "advance", "30d")
    site.run("worker", "--once", codes=(0, 3))

    after = moved(site.sandbox)
    assert after["refunds"] > before["refunds"]
    assert after["transfers"] > before["transfers"]
    assert {"closing", "collecting"}.isdisjoint(statuses(site))
    assert Program(site.app).get(receipt)["pledge"]["status"] in {"active", "collected", "refunded"}
    assert site.told("reconcile")["differences"] == []
    site.check_books()

    reached = every_key(site)
    site.run("db", "downgrade", site.revision)
    left = every_key(site)
    assert left.keys() == kept.keys()
    for table, keys in kept.items():
        worked_on = reached.get(table, left[table])  # a table may have another name above
        assert keys - worked_on == set(), f"the upgrade, or work, lost rows of {table}"
        assert left[table] == worked_on, f"the way back lost rows of {table}"
    site.run("db", "upgrade")
    site.check_books()


def pledge(site: Site) -> str:
    """See a campaign, pledge and pay as a guest's program does; return the receipt's path."""
    guest = Program(site.app)
    live = guest.get("/campaigns?stage=live")["items"]
    chosen = max(live, key=lambda one: str(one["deadline_at"]))
    picture = site.app.test_client().get(chosen["cover_url"])
    assert picture.status_code == HTTPStatus.OK
    wish = {"amount": 25_00, "email": "nolwenn@example.org", "name": "Nolwenn"}
    at = f"/campaigns/{chosen['id']}/pledges"
    placed = guest.post(at, wish, key="a-pledge-after-the-upgrade", status=HTTPStatus.CREATED)
    site.sandbox.pay(placed["checkout_url"].rsplit("/", 1)[-1])
    receipt = f"/receipts/{placed['receipt_token']}"
    assert guest.get(receipt)["pledge"]["status"] == "active"
    return receipt


def read_the_books(site: Site) -> None:
    """Sign in as the treasurer of that time, and read what was left to do."""
    treasurer = Program(site.app).sign_in(address_of("treasurer"), PASSWORD)
    for asked in ("debts", "disputes", "refunds", "discrepancies", "campaigns"):
        treasurer.get(f"/treasury/{asked}")
    assert treasurer.get("/treasury/debts")["items"] != []
    assert treasurer.get("/settlements")["items"] != []


def moved(sandbox: SandboxClient) -> dict[str, int]:
    """Count what Stripe lists of money that went back or on."""
    return {name: len(sandbox.every(f"/v1/{name}")) for name in ("refunds", "transfers")}


def statuses(site: Site) -> set[str]:
    """Return the statuses that campaigns have now."""
    return {one["status"] for one in site.told("campaign", "list")}
