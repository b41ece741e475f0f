"""Reconciliation: Stripe's own list against ours, both ways, and each difference named once."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from migrations import triggers
from octo.database import db
from payments.accounting import chart
from payments.ledger.balances import balance_of
from payments.models import Discrepancy
from payments.reconciliation.discrepancies import DifferenceKind
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment

pytestmark = pytest.mark.both_engines


def reconcile(app: Flask) -> tuple[int, dict[str, Any]]:
    db.session.rollback()  # a command begins with nothing read before
    result = app.test_cli_runner().invoke(args=["reconcile", "--json"])
    assert result.output, result.exception
    db.session.expire_all()
    return result.exit_code, json.loads(result.output)


def named(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["kind"], one["subject"]) for one in report["differences"]}


def by_hand(*statements: str) -> None:
    """Change what must not change, as a hand in the database would."""
    with db.engine.begin() as connection:
        triggers.drop(connection, *triggers.IMMUTABLE)
        for statement in statements:
            connection.execute(sa.text(statement))
        triggers.create(connection, *triggers.IMMUTABLE)


@pytest.fixture
def txn(app: Flask, make: Make, moment: Moment, sandbox: SandboxClient) -> str:
    """Play a campaign to its end, compare, and give the movement of its first charge."""
    campaign = make.live_campaign(goal=100_00, days=20)
    pledge = make.pledge(campaign, 15_00, tip=1_00)
    make.pledge(campaign, 20_00)
    sandbox.top_up(100_00)
    moment.advance(days=21)
    make.work()
    moment.advance(hours=1)
    sandbox.top_up(1_00)
    assert reconcile(app)[0] == 0
    [charge] = [
        one
        for one in sandbox.every("/v1/charges")
        if one["id"] == make.payment(pledge).stripe_charge_id
    ]
    balance_transaction: str = charge["balance_transaction"]
    return balance_transaction


def test_a_campaign_played_to_its_end_agrees_with_stripe(app: Flask, txn: str) -> None:
    code, report = reconcile(app)

    assert (code, report["differences"]) == (0, [])
    assert report["stripe_count"] == report["kept_count"] == 6
    assert report["stripe_net"] == report["kept_net"] == {"EUR": 101_00 - 49 - 55}


def test_what_stripe_did_lately_is_taken_in_and_raises_no_alarm(
    app: Flask, txn: str, sandbox: SandboxClient
) -> None:
    topup = sandbox.top_up(7_00)

    code, report = reconcile(app)

    assert (code, report["differences"]) == (0, [])
    assert report["taken_in"] == [topup["id"]]
    assert balance_of(chart.OPERATOR_FLOAT) == -(100_00 + 1_00 + 7_00)


@pytest.mark.fault("F31")
def test_a_movement_lost_here_is_named(app: Flask, txn: str) -> None:
    by_hand(f"DELETE FROM stripe_movement WHERE stripe_balance_transaction_id = '{txn}'")  # noqa: S608

    code, report = reconcile(app)

    assert code == 1
    assert (DifferenceKind.MISSING_HERE, txn) in named(report)


def test_a_movement_stripe_never_made_is_named(app: Flask, txn: str) -> None:
    by_hand(
        "UPDATE stripe_movement SET stripe_balance_transaction_id = 'txn_invented'"  # noqa: S608
        f" WHERE stripe_balance_transaction_id = '{txn}'"
    )

    code, report = reconcile(app)

    assert code == 1
    assert named(report) == {
        (DifferenceKind.MISSING_HERE, txn),
        (DifferenceKind.MISSING_THERE, "txn_invented"),
    }


@pytest.mark.fault("F31")
def test_a_cent_is_named_on_both_sides(app: Flask, txn: str) -> None:
    by_hand(
        "UPDATE stripe_movement SET amount = amount + 1, net = net + 1"  # noqa: S608
        f" WHERE stripe_balance_transaction_id = '{txn}'"
    )

    code, report = reconcile(app)

    assert code == 1
    assert named(report) == {(DifferenceKind.DIFFERENT, txn), (DifferenceKind.MISBOOKED, txn)}
    [different] = [one for one in report["differences"] if one["kind"] == "different"]
    assert different["details"]["here"]["net"] == different["details"]["stripe"]["net"] + 1


def test_a_difference_is_kept_once_and_ends_when_it_is_mended(app: Flask, txn: str) -> None:
    planted = "UPDATE stripe_movement SET type = {} WHERE stripe_balance_transaction_id = '{}'"
    by_hand(planted.format("'payment'", txn))
    reconcile(app)
    reconcile(app)
    [kept] = db.session.scalars(sa.select(Discrepancy))
    assert kept.is_open
    by_hand(planted.format("'charge'", txn))

    code, _ = reconcile(app)

    assert code == 0
    db.session.refresh(kept)
    assert kept.resolved_at is not None
