"""One rich history for many planted drifts: played once, and put back after each of them."""

import json
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from flask import Flask

from migrations import triggers
from octo.database import db
from stripe_sandbox.client import SandboxClient
from stripe_sandbox.platforms import Platforms
from tests.make import Make
from tests.moment import Moment

DISPUTED: Final = "4000000000000259"
INQUIRED: Final = "4000000000001976"
REFUND_PENDS: Final = "4000000000007726"
Row = Any


@dataclass
class History:
    """A site that has seen everything once, with a hand in its database and in Stripe's."""

    app: Flask
    make: Make
    moment: Moment
    sandbox: SandboxClient
    stripe_file: Path
    tables: Sequence[str] = ()

    @classmethod
    def play(cls, app: Flask, sandbox: SandboxClient, folder: Path) -> "History":
        """Play campaigns of every end, take everything in, and keep a copy of all tables."""
        moment = Moment(app, sandbox)
        file = folder / f"{Platforms.account_of(sandbox.key)}.sqlite"
        history = cls(app, Make(app, moment), moment, sandbox, file)
        history._play()
        history._keep()
        return history

    def _play(self) -> None:
        make, moment = self.make, self.moment
        self.sandbox.top_up(2_000_00)
        reached = [make.live_campaign(goal=20_00, days=20) for _ in range(4)]
        missed = make.live_campaign(goal=1_000_00, days=20)
        running = [make.live_campaign(goal=1_000_00, days=60) for _ in range(4)]
        for number, campaign in enumerate(reached):
            make.pledge(campaign, 20_00 + number, tip=1_00)
            make.pledge(campaign, 30_00 + number, card=DISPUTED)
        make.pledge(reached[0], 12_00, card=INQUIRED)
        for number in range(8):
            card = REFUND_PENDS if number == 0 else "4242424242424242"
            make.pledge(missed, 10_00 + number, tip=number % 3 * 50, card=card)
        for number, campaign in enumerate(running):
            make.pledge(campaign, 15_00 + number)
        for days in (21, 8, 1):
            moment.advance(days=days)
            make.work()
        self.sandbox.top_up(1_00)
        code, report = self.reconcile()
        assert (code, report["differences"]) == (0, []), report

    def reconcile(self, *arguments: str) -> tuple[int, Row]:
        """Run the command as an operator does, and read what it answers."""
        db.session.rollback()
        result = self.app.test_cli_runner().invoke(args=["reconcile", "--json", *arguments])
        assert result.stdout, result.exception
        db.session.expire_all()
        return result.exit_code, json.loads(result.stdout)

    def rows(self, sql: str) -> list[Row]:
        """Read rows of ours in a fixed order."""
        with db.engine.connect() as connection:
            return list(connection.execute(sa.text(sql)).mappings())

    def objects(self, type_: str) -> list[Row]:
        """Read Stripe's own objects of one type, oldest first."""
        with self.at_stripe() as stripe:
            found = stripe.execute(
                "SELECT body FROM object WHERE type = ? AND account = ? ORDER BY seq",
                (type_, Platforms.account_of(self.sandbox.key)),
            )
            return [json.loads(body) for (body,) in found]

    def by_hand(self, *statements: str) -> None:
        """Change what must not change, as a hand in the database would."""
        db.session.rollback()
        with self._unguarded() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    @contextmanager
    def at_stripe(self) -> Iterator[sqlite3.Connection]:
        """Reach into Stripe's own store."""
        with closing(sqlite3.connect(self.stripe_file, timeout=30)) as connection, connection:
            yield connection

    def put_back(self) -> None:
        """Undo everything that was planted, here and at Stripe."""
        db.session.rollback()
        with self._unguarded() as connection:
            for table in reversed(self.tables):
                connection.execute(sa.text(f'DELETE FROM "{table}"'))  # noqa: S608
            for table in self.tables:
                connection.execute(sa.text(f'INSERT INTO "{table}" SELECT * FROM kept_{table}'))  # noqa: S608
        with self.at_stripe() as stripe:
            stripe.executescript("""
                DELETE FROM object_field; DELETE FROM object; DELETE FROM balance;
                INSERT INTO object SELECT * FROM kept_object;
                INSERT INTO object_field SELECT * FROM kept_object_field;
                INSERT INTO balance SELECT * FROM kept_balance;
            """)

    def _keep(self) -> None:
        db.session.rollback()
        self.tables = [table.name for table in db.metadata.sorted_tables]
        with db.engine.begin() as connection:
            for table in self.tables:
                connection.execute(
                    sa.text(f'CREATE TABLE kept_{table} AS SELECT * FROM "{table}"')  # noqa: S608
                )
        with self.at_stripe() as stripe:
            for table in ("object", "object_field", "balance"):
                stripe.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")  # noqa: S608

    @contextmanager
    def _unguarded(self) -> Iterator[sa.Connection]:
        """Give a connection that no trigger and no foreign key hinders."""
        with db.engine.connect() as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            if is_sqlite:
                connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
                triggers.drop(connection, *triggers.IMMUTABLE)
            else:
                connection.exec_driver_sql("SET session_replication_role = replica")
            yield connection
            if is_sqlite:
                triggers.create(connection, *triggers.IMMUTABLE)
            connection.commit()
            connection.invalidate()


def seeded(seed: int, *parts: object) -> random.Random:
    """Give the randomness of one kind of drift, the same for the same seed."""
    return random.Random(f"{seed}:{parts}")
