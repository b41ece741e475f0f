"""Many machines settle together while they are killed, frozen, cut off and wrong about the time."""

import sys

import pytest

from campaigns.models import Outcome
from tests.afterlife import AVAILABLE_AT_ONCE
from tests.faults.cluster import Cluster
from tests.faults.judging import check_conserved, check_given_back_once, ended, is_over
from tests.make import Make
from tests.processes import wait_until
from tests.seeds import draw_seed

PATIENCE_SECONDS = 180


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Have Stripe allow so little that a settlement lasts as long as its troubles."""
    return {**environ, "STRIPE_RATE": "10", "STRIPE_RATE_ENDPOINT": "10"}


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
    if environ["DATABASE_URL"].startswith("sqlite"):
        pytest.skip("many machines share a PostgreSQL")
    moment, sandbox = make.moment, make.moment.sandbox
    sandbox.top_up(1_000_00)
    missed = make.live_campaign(goal=100_000_00, days=20)
    reached = make.live_campaign(goal=20_00, days=20)
    for place in range(pledges):
        make.pledge(missed, 10_00 + place)
    for _ in range(2):
        make.pledge(reached, 15_00, card=AVAILABLE_AT_ONCE)
    make.work()
    seed = draw_seed()
    sandbox.fault(path="/v1/*", method="POST", action="random", rate=0.1, seed=seed, times=0)

    with Cluster(environ, nodes=nodes, seed=seed) as cluster:
        moment.advance(days=21)
        for _ in range(troubles):
            sys.stdout.write(f"{cluster.suffer()}\n")
        sandbox.clear_faults()
        wait_until(lambda: is_over(missed, reached), seconds=PATIENCE_SECONDS)

    check_given_back_once(sandbox, missed)
    ended(reached, Outcome.SUCCEEDED)
    check_conserved(sandbox)
