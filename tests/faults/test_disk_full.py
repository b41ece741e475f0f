"""F21: the disk is full: nothing leaves for Stripe without its intention kept, and all goes on."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from campaigns.models import Campaign, CampaignStatus
from demo.supervision import ROOT
from octo.content.storage import Storage, StorageFullError
from octo.database import db
from payments.accounting.check import check_ledger
from payments.models import Attempt
from stripe_sandbox.client import SandboxClient
from tests.faults.finishing import agreed_pledge, finish
from tests.make import Make
from tests.moment import Moment
from tests.visitor import Visitor, refresh

pytestmark = [pytest.mark.fault("F21"), pytest.mark.both_engines]


@contextmanager
def full_disk() -> Iterator[None]:
    """Let SQLite take no page more than it has, as a full disk would."""

    def on_begin(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    refresh()
    sa.event.listen(db.engine, "begin", on_begin)
    try:
        yield
    finally:
        sa.event.remove(db.engine, "begin", on_begin)
        refresh()
        db.engine.dispose()


def fill() -> None:
    """Use up what is left in the pages that the database has."""
    refresh()
    with db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE filler (bytes BLOB)")
    with full_disk():
        size = 4096
        while size > 16:
            try:
                with db.engine.begin() as connection:
                    connection.exec_driver_sql("INSERT INTO filler VALUES (zeroblob(?))", (size,))
            except OperationalError:
                size //= 2


def test_nothing_is_asked_of_stripe_that_could_not_be_written_down(
    database: str, make: Make, moment: Moment, sandbox: SandboxClient, client: Visitor
) -> None:
    if not database.startswith("sqlite"):
        pytest.skip("a full disk is planted in SQLite's own pages")
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    pledges = [make.pledge(campaign, 10_00) for _ in range(40)]
    moment.advance(days=21)
    agreed = agreed_pledge(client, make.live_campaign(), amount="20")
    fill()
    asked = len([one for one in sandbox.requests() if one["method"] == "POST"])

    with full_disk():
        answer = client.post(**agreed)
        refused = 0
        for _ in range(3):
            try:
                make.work()
            except OperationalError:
                refused += 1
                refresh()

    assert refused, "there was room after all"
    assert answer.status_code == 503
    posts = [one for one in sandbox.requests() if one["method"] == "POST"][asked:]
    kept = set(db.session.scalars(sa.select(Attempt.idempotency_key)))
    assert {one["idempotency_key"] for one in posts} <= kept
    finish(make)
    per_charge = Counter(one["charge"] for one in sandbox.every("/v1/refunds"))
    assert per_charge == Counter(make.payment(pledge).stripe_charge_id for pledge in pledges)
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED
    assert check_ledger(db.session()).faults == ()


@pytest.mark.slow
def test_a_log_that_takes_no_more_stops_no_money(
    app: Flask, environ: dict[str, str], make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(campaign, 10_00)
    moment.advance(days=21)
    refresh()

    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--once"],
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=subprocess.DEVNULL,
            stderr=full,
            check=False,
        )

    refresh()
    assert ran.returncode == 0
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED


def test_a_picture_that_finds_no_room_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)

    with pytest.raises(StorageFullError):
        Storage(tmp_path).write(f"{'a' * 32}-10x10.png", b"picture")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
