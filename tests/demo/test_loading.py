"""A season is played whole or begun anew, its money adds up, and a planted fault is named."""

import json

import pytest
from flask import Flask

from demo.loading import CAMPAIGNS, find_season, load
from demo.models import SeasonState
from demo.stagehands import stagehands
from octo.accounts.models import User
from octo.database import transaction
from octo.ids import new_public_id, new_token
from stripe_sandbox.client import SandboxClient
from tests.demo.seasons import SMALL, load_small, states
from tests.make import LONG_AGO
from tests.site import build_app, close, quickened

END = {
    "repair-cafe-de-recouvrance": ("settled", "succeeded"),
    "l-epicerie-du-bourg": ("settled", "failed"),
    "radio-menez": ("live", None),
}

pytestmark = pytest.mark.dates


def verify(app: Flask) -> tuple[int, list[str]]:
    result = app.test_cli_runner().invoke(args=["demo", "verify", "--json"])
    return result.exit_code, json.loads(result.stdout)["problems"]


@pytest.mark.slow
def test_a_season_is_played_once_without_an_alarm_and_ends_as_its_campaigns_deserve(
    app: Flask, sandbox: SandboxClient, capfd: pytest.CaptureFixture[str]
) -> None:
    hands = load_small(app)
    assert "alert" not in "".join(capfd.readouterr())

    assert states() == END
    refunds = sandbox.every("/v1/refunds")
    charges = sandbox.every("/v1/charges")
    assert sorted(refund["amount"] for refund in refunds) == [18_00, 60_00, 105_00, 701_00]
    assert len(sandbox.every("/v1/transfers")) == 1
    assert sum(charge["status"] == "failed" for charge in charges) == 2
    assert abs((hands.clock.now() - hands.clock.machine_now()).total_seconds()) < 2
    assert verify(app) == (0, [])
    assert app.test_cli_runner().invoke(args=["ledger", "check"]).exit_code == 0
    assert app.test_cli_runner().invoke(args=["reconcile"]).exit_code == 0
    assert list(load(hands, path=SMALL)) == []
    assert sandbox.every("/v1/charges") == charges


@pytest.mark.slow
def test_a_half_loaded_season_is_noticed_and_begun_anew(
    app: Flask, environ: dict[str, str]
) -> None:
    steps = load(stagehands(), path=SMALL, campaigns=CAMPAIGNS)
    for _step in range(20):
        next(steps)
    steps.close()
    half = find_season()
    assert half is not None
    assert half.state is SeasonState.LOADING

    next_start = quickened(build_app(environ))
    with next_start.app_context():
        load_small(next_start)
        assert states() == END
        assert verify(next_start) == (0, [])
    close(next_start)


def test_a_database_in_use_is_left_alone(app: Flask) -> None:
    with transaction() as session:
        session.add(
            User(
                public_id=new_public_id("usr"),
                email="someone@example.org",
                fs_uniquifier=new_token(),
                created_at=LONG_AGO,
            )
        )

    result = app.test_cli_runner().invoke(args=["demo", "load"])

    assert result.exit_code == 1
    assert "in use" in result.stderr
    assert find_season() is None


@pytest.mark.slow
def test_each_planted_fault_is_named(app: Flask, sandbox: SandboxClient) -> None:
    load_small(app)
    largest = max(sandbox.every("/v1/charges"), key=lambda charge: int(charge["amount"]))
    paid = sandbox.every("/v1/transfers")[0]

    sandbox.call_stripe("/v1/refunds", charge=largest["id"], amount="1")
    after_refund = verify(app)
    sandbox.call_stripe(
        "/v1/transfers",
        amount="1",
        currency="eur",
        destination=paid["destination"],
        transfer_group=paid["transfer_group"],
    )
    after_transfer = verify(app)
    sandbox.call_stripe(
        "/v1/payment_intents",
        amount="500",
        currency="eur",
        payment_method="pm_card_visa",
        confirm="true",
    )
    after_charge = verify(app)

    assert [code for code, _ in (after_refund, after_transfer, after_charge)] == [1, 1, 1]
    assert [len(found) for _, found in (after_refund, after_transfer, after_charge)] == [1, 2, 3]
    told = " ".join(after_charge[1])
    assert "was refunded [1]" in told
    assert "a transfer of 1 for campaign" in told
    assert "belongs to no payment" in told
