"""F22: a worker told to stop drains; one that cannot is cut short, and nothing is lost by it."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus
from demo.supervision import ROOT
from octo.database import db
from octo.health.heartbeat import Heartbeat
from payments.accounting.check import check_ledger
from payments.models import Attempt, AttemptKind, AttemptStatus
from stripe_sandbox.client import SandboxClient
from tests.faults.finishing import finish, let_pauses_pass
from tests.make import Make
from tests.moment import Moment
from tests.processes import wait_until
from tests.visitor import refresh

DRAINED_WITHIN_SECONDS: Final = 30
SHORT_DRAIN_SECONDS: Final = 1
WORKER: Final = (
    "import octo.worker, wsgi; "
    "octo.worker.DRAIN_SECONDS = float({drain}); "
    "octo.worker.run_worker(wsgi.app)"
)

pytestmark = pytest.mark.fault("F22")


def start_worker(environ: dict[str, str], *, drain: float) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", WORKER.format(drain=drain)],
        cwd=ROOT,
        env={**os.environ, **environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def refunds_in(*statuses: AttemptStatus) -> int:
    refresh()
    counted = sa.select(sa.func.count()).where(
        Attempt.kind == AttemptKind.REFUND_CREATE, Attempt.status.in_(statuses)
    )
    return db.session.scalar(counted) or 0


def due_campaign(make: Make, moment: Moment, sandbox: SandboxClient, *, pledges: int) -> Campaign:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=10_000_00, days=20)
    for _ in range(pledges):
        make.pledge(campaign, 10_00)
    make.work()
    moment.advance(days=29)
    return campaign


def check_each_once(sandbox: SandboxClient, campaign: Campaign) -> None:
    per_charge = Counter(one["charge"] for one in sandbox.every("/v1/refunds"))
    assert set(per_charge.values()) == {1}
    assert len(per_charge) == len(sandbox.every("/v1/charges"))
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED
    assert check_ledger(db.session()).faults == ()


@pytest.mark.slow
def test_told_to_stop_a_worker_writes_down_what_is_in_flight_and_ends(
    app: Flask, environ: dict[str, str], make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = due_campaign(make, moment, sandbox, pledges=6)
    sandbox.fault(method="POST", path="/v1/refunds", action="latency", milliseconds=1000, times=0)
    settings = {**environ, "STRIPE_RATE": "4", "STRIPE_RATE_ENDPOINT": "4"}

    with start_worker(settings, drain=28) as worker:
        wait_until(lambda: refunds_in(AttemptStatus.SENT, AttemptStatus.DONE))
        time.sleep(0.5)
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(DRAINED_WITHIN_SECONDS)

    assert code == 0
    asked = [
        one for one in sandbox.requests() if (one["method"], one["path"]) == ("POST", "/v1/refunds")
    ]
    assert refunds_in(AttemptStatus.DONE) == len(asked) > 0
    assert refunds_in(AttemptStatus.UNKNOWN) == 0
    assert (
        db.session.scalar(
            sa.select(sa.func.count())
            .select_from(Heartbeat)
            .where(Heartbeat.name.startswith("worker:"), Heartbeat.name != "worker:once")
        )
        == 0
    )
    sandbox.clear_faults()
    let_pauses_pass(make)
    finish(make)
    check_each_once(sandbox, campaign)


@pytest.mark.slow
def test_a_call_that_hangs_does_not_keep_a_worker_from_ending(
    app: Flask, environ: dict[str, str], make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = due_campaign(make, moment, sandbox, pledges=1)
    sandbox.fault(
        method="POST",
        path="/v1/refunds",
        action="timeout_after_commit",
        milliseconds=5_000,
        times=1,
    )

    with start_worker(environ, drain=SHORT_DRAIN_SECONDS) as worker:
        wait_until(lambda: refunds_in(AttemptStatus.SENT))
        time.sleep(0.5)
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(DRAINED_WITHIN_SECONDS)

    assert code == 1
    assert refunds_in(AttemptStatus.SENT) == 1
    let_pauses_pass(make)
    finish(make)
    check_each_once(sandbox, campaign)
