"""A worker killed at any moment of deadline night: the same end, nothing twice, nothing missing."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge
from octo.database import db
from payments.ledger.balances import balances_of
from payments.ledger.check import check_ledger
from payments.models import Settlement
from tests.make import Make
from tests.moment import Moment
from tests.sandbox import SandboxClient

ROOT: Final = Path(__file__).resolve().parents[2]
KILLS: Final = 20
PATIENCE_SECONDS: Final = 90
LATENCY_MS: Final = 60


@pytest.mark.slow
def test_twenty_kills_change_nothing_of_the_end(
    app: Flask, environ: dict[str, str], make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    seed = int(os.environ.get("OCTO_SEED", random.randrange(10**6)))
    sys.stdout.write(f"OCTO_SEED={seed}\n")
    moments = random.Random(seed)
    sandbox.top_up(500_00)
    failed = make.live_campaign(goal=10_000_00, days=20)
    succeeded = make.live_campaign(goal=50_00, days=20)
    pledges = [make.pledge(failed, 10_00 + n, tip=n % 3 * 100) for n in range(30)]
    pledges += [make.pledge(succeeded, 20_00 + n) for n in range(10)]
    moment.advance(days=29)
    sandbox.fault(action="latency", milliseconds=LATENCY_MS, path="/v1/*", times=0)
    settings = {**environ, "STRIPE_RATE": "12", "STRIPE_RATE_ENDPOINT": "12"}

    for _ in range(KILLS):
        _run_and_kill(settings, after=moments.uniform(1.2, 3.2))
    sandbox.clear_faults()
    _let_finish(make)

    _check_every_cent(sandbox, failed, succeeded, pledges, make)


def _run_and_kill(environ: dict[str, str], *, after: float) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as worker:
        time.sleep(after)
        assert worker.poll() is None, "the worker ended by itself"
        worker.send_signal(signal.SIGKILL)


def _let_finish(make: Make) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while make.work().waiting:
        assert time.monotonic() < end, "something never came to its end"
        time.sleep(0.5)


def _check_every_cent(
    sandbox: SandboxClient,
    failed: Campaign,
    succeeded: Campaign,
    pledges: list[Pledge],
    make: Make,
) -> None:
    db.session.expire_all()
    assert db.session.get_one(Campaign, failed.id).outcome is Outcome.FAILED
    assert db.session.get_one(Campaign, failed.id).status is CampaignStatus.SETTLED
    assert db.session.get_one(Campaign, succeeded.id).outcome is Outcome.SUCCEEDED
    assert db.session.get_one(Campaign, succeeded.id).status is CampaignStatus.SETTLED

    expected = Counter(
        (make.payment(pledge).stripe_charge_id, pledge.total_amount)
        for pledge in pledges
        if pledge.campaign_id == failed.id
    )
    refunds = Counter((one["charge"], one["amount"]) for one in sandbox.every("/v1/refunds"))
    assert refunds == expected

    document = db.session.scalars(sa.select(Settlement)).one()
    assert [one["amount"] for one in sandbox.every("/v1/transfers")] == [document.net_amount]

    assert check_ledger(db.session()).faults == ()
    booked = balances_of(db.session(), "EUR")["stripe_balance"]
    at_stripe = sandbox.get("/v1/balance")
    assert booked == sum(
        part["amount"] for kind in ("available", "pending") for part in at_stripe[kind]
    )
