"""Stripe takes only so many calls: everybody keeps one pace, in turn, and slows down when told."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus
from octo.clock import DatabaseClock
from octo.database import db, lock, reading, transaction
from octo.scheduler import jobs
from payments.gateway.engine import Engine
from payments.gateway.rate_limiter import KEPT_FOR_PEOPLE
from payments.gateway.runtime import payments_runtime
from payments.models import Attempt, AttemptKind, AttemptStatus, RateBucket
from stripe_sandbox.client import SandboxClient
from tests.crowd import charge_cards, gather, movements_at
from tests.make import Make
from tests.moment import Moment

ROOT: Final = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS: Final = 90
RATE: Final = 20

pytestmark = pytest.mark.fault("F6")


@pytest.fixture
def environ(environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    """Make calls one at a time, so that their order is the order they were claimed in."""
    return {**environ, "OCTO_CALLS_IN_FLIGHT": "1"}


def plan(app: Flask) -> None:
    """Close and settle what is due, and send nothing."""
    for name in ("compare_books", "close_campaigns", "settle_campaigns"):
        while jobs(app)[name].run().done:
            continue


def refunded_charges(sandbox: SandboxClient) -> list[str]:
    """Return the charges refunds were asked for, in that order."""
    return [
        one["params"]["charge"]
        for one in sandbox.requests()
        if (one["method"], one["path"]) == ("POST", "/v1/refunds")
    ]


def work_until_done(make: Make) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while make.work().waiting:
        assert time.monotonic() < end, "something never came to its end"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_long_queue_makes_no_other_campaign_wait(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    crowded = make.live_campaign(goal=10_000_00, days=20)
    small = make.live_campaign(goal=10_000_00, days=20)
    for _ in range(30):
        make.pledge(crowded, 15_00)
    of_small = {make.payment(make.pledge(small, 15_00)).stripe_charge_id for _ in range(3)}
    moment.advance(days=21)
    plan(app)

    work_until_done(make)

    order = refunded_charges(sandbox)
    assert of_small <= set(order[:6])
    assert len(order) == len(set(order)) == 33


@pytest.mark.slow
def test_a_long_queue_makes_no_other_kind_of_call_wait(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    crowded = make.live_campaign(goal=10_000_00, days=20)
    for _ in range(30):
        make.pledge(crowded, 15_00)
    moment.advance(days=19, hours=23)
    other = make.live_campaign(goal=10_000_00, days=20)
    for _ in range(2):
        make.open_checkout(make.pending_pledge(other, 15_00))
    moment.advance(hours=2)
    plan(app)
    with transaction() as session:
        lock(session, Campaign, id=other.id).deadline_at = moment.now() - timedelta(seconds=1)
    plan(app)

    work_until_done(make)

    paths = [
        one["path"]
        for one in sandbox.requests()
        if one["method"] == "POST" and one["path"].endswith(("/refunds", "/expire"))
    ]
    assert Counter(path.endswith("/expire") for path in paths[:4]) == {True: 2, False: 2}
    assert len(paths) == 32


def bucket(kind: AttemptKind) -> RateBucket | None:
    with reading() as session:
        return session.scalars(
            sa.select(RateBucket)
            .filter_by(name=kind.value)
            .execution_options(populate_existing=True)
        ).one_or_none()


def test_too_many_calls_pause_their_endpoint_for_as_long_as_stripe_says(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=10_000_00, days=20)
    for _ in range(10):
        make.pledge(campaign, 15_00)
    moment.advance(days=21)
    plan(app)
    sandbox.fault(
        method="POST", path="/v1/refunds", action="rate_limited", nth=3, times=1, retry_after=600
    )

    make.work()

    clock = DatabaseClock()
    paused = bucket(AttemptKind.REFUND_CREATE)
    assert paused is not None
    assert paused.granted_until - clock.machine_now() > timedelta(seconds=500)
    assert len(refunded_charges(sandbox)) == 3
    with transaction() as session:  # ten minutes later
        lock(session, RateBucket, id=paused.id).granted_until = clock.machine_now()
        for attempt in session.scalars(sa.select(Attempt).where(Attempt.lease_until.is_not(None))):
            attempt.lease_until = None
    work_until_done(make)
    order = refunded_charges(sandbox)
    assert len(order) == 11
    assert len(set(order)) == 10
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED


@pytest.mark.slow
def test_an_object_that_stripe_holds_slows_nobody_else(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=10_000_00, days=20)
    for _ in range(5):
        make.pledge(campaign, 15_00)
    moment.advance(days=21)
    plan(app)
    sandbox.fault(method="POST", path="/v1/refunds", action="conflict", times=1)

    work_until_done(make)

    assert len(set(refunded_charges(sandbox)[:5])) == 5


def test_a_worker_told_to_stop_leaves_the_rest_to_the_others_at_once(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=10_000_00, days=20)
    for _ in range(5):
        make.pledge(campaign, 15_00)
    moment.advance(days=21)
    plan(app)
    jobs(app)["compare_books"].run()
    runtime = payments_runtime()
    answers = iter([False, False, False])

    Engine(runtime.gateway, runtime.settings, runtime.clock, lambda: next(answers, True)).run()

    sent = len(refunded_charges(sandbox))
    assert sent < 5
    make.work()
    assert len(refunded_charges(sandbox)) == 5


@contextmanager
def worker(environ: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environ, "OCTO_CALLS_IN_FLIGHT": "24"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition: Any) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


def holders() -> set[str]:
    """Return who holds refunds, or has made some."""
    with reading() as session:
        return set(session.scalars(sa.select(Attempt.holder).where(Attempt.holder.is_not(None))))


def count_done() -> int:
    with reading() as session:
        done = sa.select(sa.func.count()).where(Attempt.status == AttemptStatus.DONE)
        return session.scalar(done) or 0


@pytest.mark.both_engines
@pytest.mark.slow
def test_two_workers_keep_one_pace_and_a_frozen_one_makes_up_for_nothing(
    app: Flask, environ: dict[str, str], make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    if db.engine.dialect.name == "sqlite":
        return  # one frozen while it writes holds the only lock there is, until it thaws
    charge_cards(sandbox, 150)
    campaign = make.live_campaign(goal=10**9, days=20, is_ready=False)
    gather(campaign, movements_at(sandbox))
    moment.advance(days=21)
    sandbox.fault(method="POST", path="/v1/refunds", action="latency", milliseconds=100, times=0)
    settings = {**environ, "STRIPE_RATE": str(RATE), "STRIPE_RATE_ENDPOINT": str(RATE)}

    with worker(settings) as first:
        wait_for(holders)
        first.send_signal(signal.SIGSTOP)
        known = holders()
        with worker(settings):
            wait_for(lambda: holders() - known)
            first.send_signal(signal.SIGCONT)
            wait_for(lambda: count_done() == 150)

    order = refunded_charges(sandbox)
    assert len(set(order)) == 150
    calls = Counter(one["at"] for one in sandbox.requests() if one["path"] == "/v1/refunds")
    busiest = max(sum(calls[second + later] for later in range(3)) for second in calls)
    assert busiest < 2 * 3 * RATE * (1 - KEPT_FOR_PEOPLE), "each keeps a pace of its own"
