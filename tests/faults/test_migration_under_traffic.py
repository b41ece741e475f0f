"""F23: the schema is widened while people pledge and money moves, and narrowed again."""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from sqlalchemy.exc import OperationalError

from campaigns.models import Campaign, CampaignStatus
from octo import schema
from octo.config import ROOT
from octo.database import db
from payments.accounting.check import check_ledger
from stripe_sandbox.client import SandboxClient
from tests.faults.finishing import finish
from tests.make import Make
from tests.moment import Moment
from tests.visitor import refresh

READERS: Final = 3
TRIES: Final = 20
# What the next release may bring: a column that may be empty, a table, an index, a backfill.
NEXT: Final = '''"""Widen the schema for the code that comes next."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = {head!r}


def upgrade() -> None:
    op.add_column("payment", sa.Column("planted_note", sa.String(length=40), nullable=True))
    op.add_column("campaign", sa.Column("planted_count", sa.Integer(), nullable=True))
    op.create_table("planted", sa.Column("id", sa.Integer(), primary_key=True))
    op.create_index("ix_planted_note", "payment", ["planted_note"])
    op.execute("UPDATE campaign SET planted_count = 0")


def downgrade() -> None:
    op.drop_index("ix_planted_note", table_name="payment")
    op.drop_table("planted")
    op.drop_column("campaign", "planted_count")
    op.drop_column("payment", "planted_note")
'''

pytestmark = [pytest.mark.fault("F23"), pytest.mark.both_engines]


@pytest.fixture
def releases(app: Flask, tmp_path: Path) -> Config:
    """Give the migrations of this release and of the next."""
    config = Config(ROOT / "alembic.ini")
    (tmp_path / "next.py").write_text(NEXT.format(head=schema.current_revision()))
    places = (str(ROOT / "migrations" / "versions"), str(tmp_path))
    config.set_main_option("version_locations", os.pathsep.join(places))
    return config


def migrate(step: Any, config: Config, revision: str) -> None:
    """Migrate as an operator does: again, where a busy table did not let go in time."""
    refresh()
    for tries in range(TRIES):
        try:
            step(config, revision)
        except OperationalError:
            assert tries < TRIES - 1, "the table was never free"
        else:
            return


@contextmanager
def traffic(app: Flask, paths: list[str]) -> Iterator[Counter[int]]:
    """Have people read pages all the while; count what they were answered."""
    answers: Counter[int] = Counter()
    over = threading.Event()

    def read() -> None:
        visitor = app.test_client()
        while not over.is_set():
            for path in paths:
                answers[visitor.get(path).status_code] += 1

    threads = [threading.Thread(target=read) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.slow
def test_the_schema_grows_and_shrinks_under_traffic_and_money_goes_on(
    app: Flask, releases: Config, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    missed = make.live_campaign(goal=1_000_00, days=20)
    pledges = [make.pledge(missed, 10_00 + n) for n in range(4)]
    live = make.live_campaign(goal=100_00, days=60)
    make.work()
    paths = ["/", "/campaigns", f"/campaigns/{live.slug}", f"/campaigns/{live.slug}/pledge"]

    with traffic(app, paths) as answers:
        migrate(command.upgrade, releases, "head")
        refresh()
        late = make.pledge(live, 25_00)
        moment.advance(days=21)
        finish(make)
        health = app.test_client().get("/healthz").status_code
        migrate(command.downgrade, releases, "-1")
        refresh()
        make.pledge(live, 30_00)

    assert set(answers) == {200}
    assert answers.total() > 20
    assert health == 200, "a schema of the next release is no reason to wake anybody"
    assert schema.drift() == []
    per_charge = Counter(one["charge"] for one in sandbox.every("/v1/refunds"))
    assert per_charge == Counter(make.payment(pledge).stripe_charge_id for pledge in pledges)
    refresh()
    assert db.session.get_one(Campaign, missed.id).status is CampaignStatus.SETTLED
    assert db.session.get_one(Campaign, live.id).pledged_amount == 55_00
    assert make.payment(late).stripe_charge_id is not None
    assert check_ledger(db.session()).faults == ()
