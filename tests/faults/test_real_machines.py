"""Two machines on networks of their own, whose cables are pulled while they settle together.

Only ``make chaos`` plays this, and only with the rights of an administrator of the machine.
"""

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

import pytest

from campaigns.models import Outcome
from demo.supervision import ROOT
from tests.databases import chosen_engines
from tests.faults.finishing import not_played
from tests.faults.judging import asked, check_conserved, check_given_back_once, ended, is_over
from tests.make import Make
from tests.moment import Moment
from tests.networks import Network, may_make_networks, network
from tests.obligations import AVAILABLE_AT_ONCE
from tests.processes import wait_until
from tests.proxy import proxy_to
from tests.sandbox import HERE, running_sandbox
from tests.seeds import draw_seed

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - the networks of this test end here
PULLED_SECONDS: Final = (2, 20)
PULLS: Final = 6
PLEDGES: Final = 60
PATIENCE_SECONDS: Final = 240

pytestmark = [pytest.mark.chaos, pytest.mark.both_engines]


@pytest.fixture
def networks() -> Iterator[list[Network]]:
    if not may_make_networks():
        not_played("no rights to make networks: cables are not pulled")
    if "postgresql" not in chosen_engines():
        not_played("many machines share a PostgreSQL")
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(network(number)) for number in (1, 2)]


@pytest.fixture
def sandbox_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Run a Stripe that other networks reach."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox") / "files", host=EVERYWHERE) as url:
        yield url


def begin_worker(
    environ: dict[str, str], at: Network, stack: contextlib.ExitStack
) -> "subprocess.Popen[bytes]":
    """Run a worker on another machine, which has its own road to the database and to Stripe."""
    road = stack.enter_context(proxy_to(environ["DATABASE_URL"], host=at.address))
    stripe = environ["STRIPE_API_BASE"].replace(HERE, at.address)
    worker = stack.enter_context(
        subprocess.Popen(
            [*at.enter, sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
            cwd=ROOT,
            env={**os.environ, **environ, "DATABASE_URL": road.url, "STRIPE_API_BASE": stripe},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    )
    stack.callback(worker.kill)
    return worker


@pytest.mark.fault("F14")
def test_machines_whose_cables_are_pulled_move_each_amount_once(
    networks: list[Network], environ: dict[str, str], make: Make, moment: Moment
) -> None:
    if environ["DATABASE_URL"].startswith("sqlite"):
        pytest.skip("many machines share a PostgreSQL")
    sandbox = moment.sandbox
    environ |= {"STRIPE_RATE": "2", "STRIPE_RATE_ENDPOINT": "2"}
    sandbox.top_up(1_000_00)
    missed = make.live_campaign(goal=100_000_00, days=20)
    reached = make.live_campaign(goal=20_00, days=20)
    for place in range(PLEDGES):
        make.pledge(missed, 10_00 + place)
    make.pledge(reached, 30_00, card=AVAILABLE_AT_ONCE)
    make.work()
    chances = random.Random(draw_seed())

    with contextlib.ExitStack() as stack:
        workers = [begin_worker(environ, at, stack) for at in networks]
        moment.advance(days=21)
        wait_until(lambda: asked(sandbox, "/v1/refunds"), seconds=PATIENCE_SECONDS)
        for _ in range(PULLS):
            at = chances.choice(networks)
            at.pull()
            time.sleep(chances.uniform(*PULLED_SECONDS))
            at.plug()
        wait_until(lambda: is_over(missed, reached), seconds=PATIENCE_SECONDS)
        assert all(worker.poll() is None for worker in workers)

    check_given_back_once(sandbox, missed)
    ended(reached, Outcome.SUCCEEDED)
    check_conserved(sandbox)
