"""Many machines settle together while they are killed, frozen, cut off and wrong about the time.

Some of them answer people meanwhile, who pledge, pay and cancel at whichever lets them in.
"""

import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, Outcome, Pledge, PledgeStatus
from octo.database import db, transaction
from payments.models import OPEN_ATTEMPTS, Attempt, Payment
from stripe_sandbox.client import SandboxClient
from tests.faults.backers import Backer, Doors, Person, Program
from tests.faults.cluster import Cluster
from tests.faults.judging import (
    check_charged_once,
    check_conserved,
    check_given_back_once,
    check_not_oversold,
    ended,
    is_over,
    no_circle,
)
from tests.make import Make
from tests.obligations import AVAILABLE_AT_ONCE
from tests.processes import wait_until
from tests.seeds import draw_seed
from tests.site import WEBHOOK_SECRET
from tests.visitor import refresh

PATIENCE_SECONDS: Final = 180
AT_ONCE: Final = 12

pytestmark = pytest.mark.both_engines


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Have Stripe allow so little that a settlement lasts as long as its troubles."""
    if environ["DATABASE_URL"].startswith("sqlite"):
        pytest.skip("many machines share a PostgreSQL")
    return {**environ, "STRIPE_RATE": "10", "STRIPE_RATE_ENDPOINT": "10"}


def campaigns_with(make: Make, *, pledges: int) -> tuple[Campaign, Campaign]:
    """Have a campaign that misses its goal with so many pledges, and one that reaches it."""
    make.moment.sandbox.top_up(1_000_00)
    missed = make.live_campaign(goal=100_000_00, days=20)
    reached = make.live_campaign(goal=20_00, days=20)
    for place in range(pledges):
        make.pledge(missed, 10_00 + place)
    reach(make, reached)
    make.work()
    return missed, reached


def reach(make: Make, campaign: Campaign) -> None:
    """Have two backers reach a goal of 20 €, whatever others come to."""
    for _ in range(2):
        make.pledge(campaign, 15_00, card=AVAILABLE_AT_ONCE)


def let_calls_fail(sandbox: SandboxClient) -> int:
    """Have every tenth call go wrong, as a seed says; return the seed."""
    seed = draw_seed()
    sandbox.fault(path="/v1/*", method="POST", action="random", rate=0.1, seed=seed, times=0)
    return seed


@pytest.mark.fault("F14")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("nodes", "pledges", "troubles"),
    [
        (2, 8, 4),
        pytest.param(2, 100, 40, marks=pytest.mark.chaos),
        pytest.param(4, 200, 80, marks=pytest.mark.chaos),
    ],
)
def test_nodes_that_fail_by_lot_move_each_amount_once(
    environ: dict[str, str],
    make: Make,
    nodes: int,
    pledges: int,
    troubles: int,
) -> None:
    moment, sandbox = make.moment, make.moment.sandbox
    missed, reached = campaigns_with(make, pledges=pledges)
    seed = let_calls_fail(sandbox)

    with Cluster(environ, workers=nodes, seed=seed) as cluster:
        moment.advance(days=21)
        for _ in range(troubles):
            sys.stdout.write(f"{cluster.suffer()}\n")
        sandbox.clear_faults()
        wait_until(lambda: is_over(missed, reached), seconds=PATIENCE_SECONDS)

    check_given_back_once(sandbox, missed)
    ended(reached, Outcome.SUCCEEDED)
    check_conserved(sandbox)


@contextmanager
def webhooks_to(sandbox: SandboxClient, urls: list[str]) -> Iterator[None]:
    """Have Stripe tell each of these sites all that happens, while the body lasts."""
    sandbox.post("/_sandbox/settings", webhooks={"timeout_seconds": 2})
    for url in urls:
        for connect in (False, True):
            sandbox.add_webhook_endpoint(
                f"{url}/webhooks/stripe", secret=WEBHOOK_SECRET, connect=connect
            )
    try:
        yield
    finally:
        sandbox.post("/_sandbox/settings", webhooks={"paused": True})


def let_leases_of_sites_pass() -> None:
    """Let what a request left half done be taken over, as if its lease had ended."""
    refresh()
    with transaction() as session:
        session.execute(
            sa.update(Attempt)
            .where(Attempt.status.in_(OPEN_ATTEMPTS), Attempt.holder.startswith("web:"))
            .values(lease_until=None)
        )


def check_told_the_truth(backers: list[Backer], sandbox: SandboxClient) -> None:
    """See that each wish is one pledge at most, and that all ended as the backers know."""
    refresh()
    kept = {
        one["id"]: one["amount"] - one["amount_refunded"] for one in sandbox.every("/v1/charges")
    }
    with_charge = sa.select(Pledge, Payment.stripe_charge_id).outerjoin(
        Payment, Payment.pledge_id == Pledge.id
    )
    for backer in backers:
        pledges = db.session.execute(with_charge.where(Pledge.email == backer.email)).all()
        assert len({one.Pledge.reward_id for one in pledges}) == len(pledges), backer.email
        charged = [one for one in pledges if one.stripe_charge_id]
        assert len(charged) == backer.has_paid, backer.email
        is_canceled = PledgeStatus.CANCELED in {one.Pledge.status for one in pledges}
        assert backer.was_told_canceled <= is_canceled <= backer.asked_to_cancel, backer.email
        for pledge, charge_id in pledges:
            if pledge.status is PledgeStatus.COLLECTED:
                assert kept[charge_id] == pledge.amount, backer.email
            else:
                assert pledge.status in {PledgeStatus.CANCELED, PledgeStatus.EXPIRED}
                assert kept.get(charge_id, 0) == 0, backer.email


def check_heard_by_webhook(sandbox: SandboxClient) -> None:
    """See that news came to every door."""
    told = sandbox.get("/_sandbox/webhooks")["deliveries"]
    heard = {one["endpoint"] for one in told if one["state"] == "delivered"}
    endpoints = sandbox.every("/v1/webhook_endpoints")
    assert {one["url"] for one in endpoints if one["id"] in heard} == {
        one["url"] for one in endpoints
    }


def crowd_for(
    campaign: Campaign, doors: Doors, sandbox: SandboxClient, *, count: int, seed: int
) -> list[Backer]:
    """Make so many backers, people and programs in turn."""
    thinks_seconds = doors.patience_seconds / 4
    return [
        (Person, Program)[number % 2](
            number,
            campaign,
            doors,
            sandbox,
            chances=random.Random(f"{seed} {number}"),
            thinks_seconds=thinks_seconds,
        )
        for number in range(count)
    ]


@pytest.mark.fault("F14")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("nodes", "backers", "troubles"),
    [(2, 12, 3), pytest.param(3, 100, 60, marks=pytest.mark.chaos)],
)
def test_backers_at_web_processes_that_fail_by_lot_pay_each_pledge_once(
    environ: dict[str, str], make: Make, tmp_path: Path, *, nodes: int, backers: int, troubles: int
) -> None:
    moment, sandbox = make.moment, make.moment.sandbox
    missed, reached = campaigns_with(make, pledges=nodes * 4)
    pledged_to = make.live_campaign(goal=20_00, days=40, stock=backers // 2)
    reach(make, pledged_to)
    seed = let_calls_fail(sandbox)

    with (
        no_circle(),
        Cluster(environ, workers=nodes, sites=nodes, seed=seed, logs=tmp_path) as cluster,
    ):
        urls = [site.door.url for site in cluster.sites]
        doors = Doors(urls, patience_seconds=backers / 2)
        crowd = crowd_for(pledged_to, doors, sandbox, count=backers, seed=seed)
        moment.advance(days=21)
        with webhooks_to(sandbox, urls), ThreadPoolExecutor(AT_ONCE) as hands:
            played = [hands.submit(backer.play) for backer in crowd]
            for number in range(troubles):
                among = cluster.nodes if number % 2 else cluster.sites
                sys.stdout.write(f"{cluster.suffer(among)}\n")
            for one in played:
                one.result()
            sys.stdout.write(f"{doors.answers}\n")
            sandbox.clear_faults()
            let_leases_of_sites_pass()
            wait_until(lambda: is_over(missed, reached), seconds=PATIENCE_SECONDS)
            moment.advance(days=20)
            wait_until(lambda: is_over(pledged_to), seconds=PATIENCE_SECONDS)
        assert [fault for site in cluster.sites for fault in site.faults()] == []

    check_given_back_once(sandbox, missed)
    ended(reached, Outcome.SUCCEEDED)
    ended(pledged_to, Outcome.SUCCEEDED)
    check_heard_by_webhook(sandbox)
    check_charged_once(sandbox)
    check_not_oversold(pledged_to)
    check_told_the_truth(crowd, sandbox)
    check_conserved(sandbox)
