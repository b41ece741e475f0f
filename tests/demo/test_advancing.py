"""Time is moved through what falls due, once, however often it is cut short."""

import time
from datetime import timedelta
from http import HTTPStatus

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign
from demo.loading import advance, find_season
from demo.sign_ins import DEMO_PASSWORD, SIGN_INS
from octo.database import db
from stripe_sandbox.client import SandboxClient
from tests.demo.seasons import load_small, states
from tests.visitor import Visitor

RUN_OUT = {
    "repair-cafe-de-recouvrance": ("settled", "succeeded"),
    "l-epicerie-du-bourg": ("settled", "failed"),
    "radio-menez": ("settled", "failed"),
}


@pytest.mark.slow
def test_a_deadline_passes_on_the_way(app: Flask, client: Visitor, sandbox: SandboxClient) -> None:
    load_small(app)
    client.sign_in(SIGN_INS[0].email, DEMO_PASSWORD)

    result = app.test_cli_runner().invoke(args=["demo", "advance", "45d"])

    assert result.exit_code == 0, result.output
    assert states() == RUN_OUT
    assert len(sandbox.every("/v1/refunds")) == 5
    assert app.test_cli_runner().invoke(args=["demo", "verify"]).exit_code == 0
    assert each_closed_at_its_deadline()
    assert client.get("/account").status_code == HTTPStatus.OK  # nobody was signed out


@pytest.mark.slow
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


@pytest.mark.slow
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


def each_closed_at_its_deadline() -> bool:
    """Tell whether no campaign was closed early, nor when time was well beyond its deadline."""
    closed = db.session.scalars(sa.select(Campaign).where(Campaign.closing_at.is_not(None))).all()
    return bool(closed) and all(
        one.deadline_at
        and one.closing_at
        and timedelta(0) <= one.closing_at - one.deadline_at
        and one.closing_at - one.deadline_at < timedelta(hours=1)
        for one in closed
    )


def wait_until_arrived() -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        season = find_season()
        if season is not None and season.target_at is None:
            return
        time.sleep(0.1)
    raise AssertionError("time never arrived")
