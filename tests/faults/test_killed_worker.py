"""A worker killed at any moment of the season's deadlines: the same end, nothing twice."""

import random
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign
from demo import loading
from demo.journey import OPEN, Journey
from octo.clock import Clock
from octo.database import reading
from payments.models import Attempt, AttemptStatus, Transfer, TransferStatus
from stripe_sandbox.client import SandboxClient
from tests.databases import chosen_engines, engine_of_today
from tests.demo.seasons import ENDS, states
from tests.doomed import doomed_worker
from tests.seeds import draw_seed
from tests.visitor import refresh

KILLS: Final = 20
KILLS_AT_A_DEADLINE: Final = 3
LONGEST_LIFE_SECONDS: Final = 2.5
LONGEST_WAIT_SECONDS: Final = 5.0
LONGEST_CALLS_SECONDS: Final = 0.3
HALF: Final = 0.5
PATIENCE_SECONDS: Final = 120
LATENCY_MS: Final = 60
RATE: Final = 20


class Killings:
    """Twenty workers of one season, each ended at a moment drawn from a seed."""

    def __init__(self, environ: Mapping[str, str], sandbox: SandboxClient, *, seed: int) -> None:
        self.environ = {**environ, "STRIPE_RATE": str(RATE), "STRIPE_RATE_ENDPOINT": str(RATE)}
        self.sandbox = sandbox
        self.left = KILLS
        self.calls_cut = 0
        self._random = random.Random(seed)

    def kill_at(self, now: datetime) -> None:
        """Kill some at a deadline, and one when a transfer's money is there."""
        if _is_a_deadline(now):
            self.kill(KILLS_AT_A_DEADLINE)
        elif _is_money_there(now):
            self.kill(1)

    def kill(self, count: int) -> None:
        """Start workers one after the other, each killed before the next begins.

        Stripe answers late meanwhile, so that they die with calls on their way.
        """
        self.sandbox.fault(action="latency", milliseconds=LATENCY_MS, path="/v1/*", times=0)
        for _ in range(min(count, self.left)):
            with doomed_worker(self.environ):
                self._wait_for_its_end()
            self.left -= 1
            self.calls_cut += _calls_left_behind()
        self.sandbox.clear_faults()

    def _wait_for_its_end(self) -> None:
        """Let half of the workers die at any moment, half while their calls are on their way."""
        end = time.monotonic() + self._random.uniform(0.0, LONGEST_LIFE_SECONDS)
        if self._random.random() < HALF:
            end = time.monotonic() + LONGEST_WAIT_SECONDS
            while not _calls_left_behind() and time.monotonic() < end:
                time.sleep(0.02)
            end = time.monotonic() + self._random.uniform(0.0, LONGEST_CALLS_SECONDS)
        time.sleep(max(0.0, end - time.monotonic()))


class DeadlyJourney(Journey):
    """A moving of time on which the workers of each deadline die at their work."""

    def __init__(
        self, app: Flask, sandbox: SandboxClient, clock: Clock, *, killings: Killings
    ) -> None:
        super().__init__(app, sandbox, clock)
        self._killings = killings

    def work(self) -> None:
        """Let workers be killed when there is money to move, then one live and end it all."""
        self._killings.kill_at(self._clock.now())
        super().work()
        end = time.monotonic() + PATIENCE_SECONDS
        while _calls_left_behind():
            assert time.monotonic() < end, "what a dead worker held is taken over by nobody"
            time.sleep(0.25)
            super().work()


TURNS: Final = [
    pytest.param(engine, marks=() if engine == engine_of_today() else pytest.mark.chaos)
    for engine in chosen_engines()
]
"""In ``make test`` the engines take turns, by the seed; ``make chaos`` plays the others too."""


@pytest.mark.fault("F1")
@pytest.mark.slow
@pytest.mark.parametrize("engine_name", TURNS)
def test_twenty_kills_over_the_season_change_nothing_of_its_end(
    app: Flask, environ: dict[str, str], sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    killings = Killings(environ, sandbox, seed=draw_seed())
    monkeypatch.setattr(loading, "Journey", partial(DeadlyJourney, killings=killings))
    runner = app.test_cli_runner()

    loaded = runner.invoke(args=["demo", "load", "--json"])

    assert loaded.exit_code == 0, loaded.output
    assert killings.left == 0, "the season has too few deadlines"
    sys.stdout.write(f"{killings.calls_cut} calls cut\n")
    assert killings.calls_cut, "no worker died between a call and its record"
    assert sorted(states().values(), key=str) == ENDS
    for check in (["ledger", "check"], ["reconcile"], ["demo", "verify"], ["db", "check"]):
        result = runner.invoke(args=check)
        assert result.exit_code == 0, result.output


def _is_a_deadline(now: datetime) -> bool:
    over = sa.select(Campaign.id).where(Campaign.status.in_(OPEN), Campaign.deadline_at <= now)
    with reading() as session:
        return session.scalar(over.limit(1)) is not None


def _is_money_there(now: datetime) -> bool:
    expected = sa.select(Transfer.id).where(
        Transfer.status == TransferStatus.PENDING, Transfer.expected_at <= now
    )
    with reading() as session:
        return session.scalar(expected.limit(1)) is not None


def _calls_left_behind() -> int:
    """Return how many calls stand as sent though nobody is there to send them."""
    refresh()
    counted = sa.select(sa.func.count()).where(Attempt.status == AttemptStatus.SENT)
    with reading() as session:
        return session.scalar(counted) or 0
