"""Time is moved through what falls due, once, however often it is cut short."""

import time
from datetime import timedelta

from flask import Flask

from demo.loading import advance, find_season
from tests.demo.seasons import load_small, states
from tests.sandbox import SandboxClient
from tests.visitor import Visitor

RUN_OUT = {
    "repair-cafe-de-recouvrance": ("settled", "succeeded"),
    "l-epicerie-du-bourg": ("settled", "failed"),
    "radio-menez": ("settled", "failed"),
}


def test_a_deadline_passes_on_the_way(app: Flask, sandbox: SandboxClient) -> None:
    load_small(app)

    result = app.test_cli_runner().invoke(args=["demo", "advance", "45d"])

    assert result.exit_code == 0, result.output
    assert states() == RUN_OUT
    assert len(sandbox.every("/v1/refunds")) == 5
    assert app.test_cli_runner().invoke(args=["demo", "verify"]).exit_code == 0


def test_a_journey_is_made_by_one_and_when_cut_short_goes_no_further(app: Flask) -> None:
    hands = load_small(app)
    began = hands.clock.now()
    steps = advance(hands, by=timedelta(days=45))
    next(steps)
    at_once = app.test_cli_runner().invoke(args=["demo", "advance", "1d"])
    steps.close()

    for _step in advance(hands, by=timedelta(days=45)):
        pass

    assert at_once.exit_code == 1
    assert "already moving" in at_once.stderr
    assert timedelta(days=45) <= hands.clock.now() - began < timedelta(days=46)
    assert states() == RUN_OUT


def test_bad_use_is_told_apart(app: Flask) -> None:
    runner = app.test_cli_runner()

    assert runner.invoke(args=["demo", "advance", "soon"]).exit_code == 2
    assert runner.invoke(args=["demo", "advance", "1d"]).exit_code == 1


def test_the_page_moves_time(app: Flask, client: Visitor) -> None:
    hands = load_small(app)
    began = hands.clock.now()

    answer = client.submit("/demo", {"span": "45d"}, form="/demo/advance")

    assert answer.status_code == 200
    wait_until_arrived()
    assert hands.clock.now() - began >= timedelta(days=45)
    assert states() == RUN_OUT


def test_the_page_takes_no_other_span(client: Visitor) -> None:
    answer = client.submit("/demo", {"span": "400d"}, form="/demo/advance")

    assert answer.status_code == 422


def wait_until_arrived() -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        season = find_season()
        if season is not None and season.target_at is None:
            return
        time.sleep(0.1)
    raise AssertionError("time never arrived")
