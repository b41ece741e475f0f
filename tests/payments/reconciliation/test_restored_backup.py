"""F24: a backup behind Stripe moves no money until what it forgot was brought back."""

from collections import Counter
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from octo.clock import DatabaseClock, move_clock
from octo.database import db, transaction
from octo.scheduler import jobs
from octo.worker import run_due
from payments.accounting.check import check_ledger
from payments.models import Document, Settlement, Transfer
from stripe_sandbox.client import SandboxClient
from tests.backups import Backup, backup_of
from tests.faults.finishing import command
from tests.make import Make
from tests.site import build_app, close

AVAILABLE_AT_ONCE = "4000000000000077"

pytestmark = [pytest.mark.fault("F24"), pytest.mark.both_engines]


def stop() -> None:
    """Let go of every connection, as when all processes are stopped."""
    db.session.rollback()
    db.engine.dispose()


def money_calls(sandbox: SandboxClient) -> int:
    return sum(
        one["method"] == "POST" and one["path"] in {"/v1/refunds", "/v1/transfers"}
        for one in sandbox.requests()
    )


@pytest.fixture(params=["three days", "an hour"])
def age(request: pytest.FixtureRequest) -> str:
    """Say how old the backup is: of before the deadline, or of amid the settlement."""
    return str(request.param)


@pytest.fixture
def backup(environ: dict[str, str]) -> Backup:
    return backup_of(environ["DATABASE_URL"])


@pytest.mark.slow
def test_f24_a_restored_backup_is_caught_up_before_money_moves(
    app: Flask, environ: dict[str, str], make: Make, backup: Backup, age: str
) -> None:
    moment, sandbox = make.moment, make.moment.sandbox
    sandbox.top_up(500_00)
    missed = make.live_campaign(goal=10_000_00, days=20)
    reached = make.live_campaign(goal=50_00, days=20, stock=3)
    running = make.live_campaign(goal=1_000_00, days=60)
    for place in range(3):
        make.pledge(missed, 10_00 + place, tip=place * 100)
        make.pledge(reached, 30_00 + place, card=AVAILABLE_AT_ONCE)
    moment.advance(days=17)
    make.work()
    if age == "three days":
        stop()
        backup.keep()
    make.pledge(missed, 25_00, tip=2_00)
    make.pledge(reached, 20_00, tip=1_00, card=AVAILABLE_AT_ONCE, reward=reached.rewards[0])
    make.pledge(running, 15_00)
    moment.advance(days=3)
    if age == "an hour":
        for name in ("close_campaigns", "settle_campaigns"):
            jobs(app)[name].run()
        stop()
        backup.keep()
    make.work()
    moment.advance(hours=1)
    late = make.pledge(running, 18_00)
    late_id, email = late.public_id, late.email
    missed_id, reached_id, running_id = missed.id, reached.id, running.public_id
    [number] = db.session.scalars(sa.select(Document.number))
    moved = money_calls(sandbox)
    assert (len(sandbox.every("/v1/refunds")), len(sandbox.every("/v1/transfers"))) == (4, 1)

    stop()
    backup.put_back()
    again = build_app(environ)
    with again.app_context():
        _catch_clock_up(sandbox)

        due = run_due(again)

        assert any("behind Stripe" in reason for reason in due.waiting)
        assert money_calls(sandbox) == moved
        assert _pledging_answers(again, running_id) == 503
        code, report = command(again, "reconcile")
        assert code == 1
        named = {one["subject"] for one in report["differences"] if one["kind"] == "forgotten"}
        assert named
        assert money_calls(sandbox) == moved

        code, report = command(again, "reconcile", "--import", "--yes")
        assert (code, report["differences"], report["not_imported"]) == (0, [], {})
        while run_due(again).done:
            pass

        _check_every_cent(sandbox, missed_id, reached_id, number)
        kept = db.session.scalars(sa.select(Pledge).where(Pledge.public_id == late_id)).one()
        assert (kept.status, kept.email, kept.amount) == (PledgeStatus.ACTIVE, email, 18_00)
    close(again)


def test_f24_a_number_that_was_given_is_never_given_again(
    app: Flask, environ: dict[str, str], make: Make, backup: Backup
) -> None:
    moment, sandbox = make.moment, make.moment.sandbox
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=50_00, days=20)
    moment.advance(days=19)
    make.pledge(campaign, 60_00)
    make.work()
    stop()
    backup.keep()
    moment.advance(days=1)
    make.work()
    given = db.session.scalars(sa.select(Document.number)).all()
    assert len(given) == 1
    assert sandbox.every("/v1/transfers") == []

    stop()
    backup.put_back()
    again = build_app(environ)
    with again.app_context():
        _catch_clock_up(sandbox)
        due = run_due(again)
        assert any("behind Stripe" in reason for reason in due.waiting)
        assert db.session.scalars(sa.select(Document.number)).all() == []

        code, report = command(again, "reconcile", "--import", "--yes")
        assert (report["differences"], report["lost_numbers"], code) == ([], given, 0)
        run_due(again)

        [number] = db.session.scalars(sa.select(Document.number))
        assert (number[:6], int(number[6:])) == (given[0][:6], int(given[0][6:]) + 1)
        assert check_ledger(db.session()).faults == ()
    close(again)


def _catch_clock_up(sandbox: SandboxClient) -> None:
    """Move business time to Stripe's: that of the backup is as old as it is."""
    with transaction() as session:
        move_clock(session, DatabaseClock(), to=datetime.fromtimestamp(sandbox.now(), UTC))


def _pledging_answers(app: Flask, campaign_id: str) -> int:
    answer = app.test_client().post(
        f"/api/v1/campaigns/{campaign_id}/pledges",
        json={"amount": 15_00, "email": "lea@example.org", "name": "Léa"},
        headers={"Idempotency-Key": "a-pledge-of-lea"},
    )
    return answer.status_code


def _check_every_cent(sandbox: SandboxClient, missed: int, reached: int, number: str) -> None:
    db.session.rollback()
    db.session.expire_all()
    assert db.session.get_one(Campaign, missed).outcome is Outcome.FAILED
    assert db.session.get_one(Campaign, reached).outcome is Outcome.SUCCEEDED
    for campaign in (missed, reached):
        assert db.session.get_one(Campaign, campaign).status is CampaignStatus.SETTLED
    group = db.session.get_one(Campaign, missed).public_id
    charges = {
        one["id"]: one["amount"]
        for one in sandbox.every("/v1/charges")
        if one["transfer_group"] == group
    }
    refunds = Counter((one["charge"], one["amount"]) for one in sandbox.every("/v1/refunds"))
    assert refunds == Counter(charges.items())
    [document] = db.session.scalars(sa.select(Settlement))
    assert document.document.number == number
    [transfer] = sandbox.every("/v1/transfers")
    assert transfer["amount"] == document.net_amount
    assert db.session.scalars(sa.select(Transfer.stripe_transfer_id)).all() == [transfer["id"]]
    assert check_ledger(db.session()).faults == ()
