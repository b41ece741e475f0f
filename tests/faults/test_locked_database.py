"""F20: SQLite is locked: wait, then 503 with Retry-After, and no payment half done."""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from campaigns.models import Campaign, CampaignStatus, Pledge
from octo.database import BUSY_TIMEOUT_MS, db
from payments.accounting.check import check_ledger
from stripe_sandbox.client import SandboxClient
from tests.faults.finishing import agreed_pledge, finish
from tests.make import Make
from tests.moment import Moment
from tests.visitor import Visitor, refresh

SHORT_TIMEOUT_MS: Final = 150
HELD_SECONDS: Final = 0.4

pytestmark = [pytest.mark.fault("F20"), pytest.mark.both_engines]


@pytest.fixture(autouse=True)
def _on_sqlite(database: str) -> None:
    if not database.startswith("sqlite"):
        pytest.skip("PostgreSQL locks rows, not the database")


@pytest.fixture
def impatient(app: Flask) -> Iterator[None]:
    """Wait for a lock a little instead of ten seconds."""

    def on_begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={SHORT_TIMEOUT_MS}")

    refresh()
    db.engine.dispose()
    sa.event.listen(db.engine, "begin", on_begin, insert=True)
    yield
    sa.event.remove(db.engine, "begin", on_begin)


@contextmanager
def locked() -> Iterator[None]:
    """Hold the whole database, as another program may."""
    refresh()
    path = db.engine.url.database
    assert path is not None
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


def test_a_connection_waits_ten_seconds_for_a_lock(app: Flask) -> None:
    with db.engine.connect() as connection:
        waits = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()

    assert waits == BUSY_TIMEOUT_MS == 10_000


@pytest.mark.usefixtures("impatient")
def test_a_pledge_made_while_it_is_locked_is_told_to_come_back_and_took_nothing(
    make: Make, sandbox: SandboxClient, client: Visitor
) -> None:
    agreed = agreed_pledge(client, make.live_campaign(), amount="20")
    calls = len(sandbox.requests())

    with locked():
        page = client.post(**agreed)

    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) > 0
    assert len(sandbox.requests()) == calls
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Pledge)) == 0
    assert client.post(**agreed).status_code == 303


@pytest.mark.usefixtures("impatient")
def test_a_settlement_that_meets_locks_at_every_turn_gives_each_back_once(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    pledges = [make.pledge(campaign, 10_00 + n) for n in range(6)]
    moment.advance(days=21)
    refresh()
    over = threading.Event()

    def disturb() -> None:
        with app.app_context():
            while not over.wait(HELD_SECONDS / 4):
                with locked():
                    time.sleep(HELD_SECONDS)

    disturber = threading.Thread(target=disturb)
    disturber.start()
    refused = 0
    for _ in range(8):
        try:
            make.work()
        except OperationalError:
            refused += 1
            refresh()
    over.set()
    disturber.join()
    finish(make)

    assert refused, "nothing was ever locked"
    per_charge = Counter(one["charge"] for one in sandbox.every("/v1/refunds"))
    assert per_charge == Counter(make.payment(pledge).stripe_charge_id for pledge in pledges)
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED
    assert check_ledger(db.session()).faults == ()
