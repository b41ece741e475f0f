"""Reconciliation: Stripe's own list against ours, both ways, and each difference named once."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from migrations import triggers
from octo.database import db
from payments.ledger.drafts import MovementFacts
from payments.models import Discrepancy
from payments.reconciliation.compare import DifferenceKind, Kept, compare
from tests.make import Make
from tests.moment import Moment
from tests.payments.ledger.books import NOON, movement
from tests.sandbox import SandboxClient


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
def txn(make: Make, moment: Moment, sandbox: SandboxClient) -> str:
    """Play a campaign to its end and give the movement of its first charge."""
    campaign = make.live_campaign(goal=100_00, days=20)
    pledge = make.pledge(campaign, 15_00, tip=1_00)
    make.pledge(campaign, 20_00)
    sandbox.top_up(100_00)
    moment.advance(days=21)
    make.work()
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
    assert report["stripe_count"] == report["kept_count"] == 5
    assert report["stripe_net"] == report["kept_net"] == {"EUR": 100_00 - 49 - 55}


def test_what_we_never_heard_of_is_named_until_it_is_taken_in(
    app: Flask, txn: str, make: Make, sandbox: SandboxClient
) -> None:
    sandbox.top_up(7_00)

    code, report = reconcile(app)
    make.work()
    after = reconcile(app)

    assert code == 1
    assert [kind for kind, _ in named(report)] == [DifferenceKind.MISSING_HERE]
    assert after[0] == 0
    [kept] = db.session.scalars(sa.select(Discrepancy))
    assert kept.resolved_at is not None


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


def test_finding_the_same_difference_again_keeps_it_once(
    app: Flask, txn: str, sandbox: SandboxClient
) -> None:
    sandbox.top_up(7_00)

    reconcile(app)
    reconcile(app)

    assert len(db.session.scalars(sa.select(Discrepancy)).all()) == 1


MOVEMENTS = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), max_size=20)


@given(MOVEMENTS)
def test_walking_side_by_side_finds_what_sets_would(drawn: list[tuple[int, bool, bool]]) -> None:
    stripe: list[MovementFacts] = []
    kept: list[Kept] = []
    for second, is_there, is_here in drawn:
        facts = replace(movement(1_00), occurred_at=NOON - timedelta(seconds=second))
        if is_there:
            stripe.append(facts)
        if is_here:
            kept.append(Kept(facts, campaign_id=None))
    stripe.sort(key=lambda one: one.occurred_at, reverse=True)
    kept.sort(key=lambda one: one.facts.occurred_at, reverse=True)

    found = {(one.kind, one.subject) for one in compare(stripe, kept).differences}

    there = {one.stripe_balance_transaction_id for one in stripe}
    here = {one.facts.stripe_balance_transaction_id for one in kept}
    assert found == {(DifferenceKind.MISSING_HERE, one) for one in there - here} | {
        (DifferenceKind.MISSING_THERE, one) for one in here - there
    }
