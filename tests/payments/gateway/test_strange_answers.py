"""F8: Stripe answers in HTML, with fields and states nobody knows: unknown, or ignored."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from octo.database import db
from payments.accounting.check import check_ledger
from payments.gateway.client import StripeAwayError
from payments.gateway.lists import list_refunds
from payments.gateway.runtime import payments_runtime
from payments.models import Attempt, AttemptKind, AttemptStatus, Refund, RefundStatus
from stripe_sandbox.client import SandboxClient
from tests.faults.altering import AlteringStripe, Reply, altering_stripe
from tests.faults.finishing import finish
from tests.make import Make
from tests.moment import Moment
from tests.visitor import refresh

PAGE = b"<!DOCTYPE html><html><head><title>503</title></head><body>Back soon</body></html>"

pytestmark = pytest.mark.fault("F8")


@pytest.fixture
def stripe(sandbox: SandboxClient) -> Iterator[AlteringStripe]:
    with altering_stripe(sandbox.url) as running:
        yield running


@pytest.fixture
def environ(environ: dict[str, str], stripe: AlteringStripe) -> dict[str, str]:
    """Reach the sandbox through the proxy."""
    return {**environ, "STRIPE_API_BASE": stripe.url}


def missed_campaign(make: Make, moment: Moment, sandbox: SandboxClient) -> Campaign:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(campaign, 15_00, tip=1_00)
    make.work()
    moment.advance(days=21)
    return campaign


def check_given_back_once(sandbox: SandboxClient, campaign: Campaign) -> None:
    refresh()
    assert Counter(one["amount"] for one in sandbox.every("/v1/refunds")) == {16_00: 1}
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED
    assert check_ledger(db.session()).faults == ()


@pytest.mark.slow
@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_in_html_leaves_the_outcome_unknown_and_the_refund_single(
    make: Make, moment: Moment, sandbox: SandboxClient, stripe: AlteringStripe, status: int
) -> None:
    campaign = missed_campaign(make, moment, sandbox)

    def garble(reply: Reply) -> Reply:
        is_refund = (reply.method, reply.path) == ("POST", "/v1/refunds")
        return Reply(reply.method, reply.path, status, PAGE, "text/html") if is_refund else reply

    stripe.alter = garble
    make.work()
    states = db.session.scalars(
        sa.select(Attempt.status).where(Attempt.kind == AttemptKind.REFUND_CREATE)
    ).all()
    assert set(states) <= {AttemptStatus.UNKNOWN, AttemptStatus.SENT}

    stripe.alter = lambda reply: reply
    finish(make)
    check_given_back_once(sandbox, campaign)


def test_fields_nobody_knows_are_ignored_from_pledge_to_transfer(
    make: Make, moment: Moment, sandbox: SandboxClient, stripe: AlteringStripe
) -> None:
    def enrich(seen: dict[str, Any]) -> None:
        seen["quantum_state"] = {"object": "quantum", "spin": "up"}
        seen["new_list"] = [1, None, "two"]

    stripe.change_objects(enrich)
    campaign = make.live_campaign(goal=10_00, days=20)
    make.pledge(campaign, 15_00, tip=1_00)
    moment.advance(days=40)
    finish(make)

    refresh()
    seen = db.session.get_one(Campaign, campaign.id)
    assert (seen.status, seen.outcome) == (CampaignStatus.SETTLED, Outcome.SUCCEEDED)
    assert len(sandbox.every("/v1/transfers")) == 1
    assert check_ledger(db.session()).faults == ()


def test_a_state_nobody_knows_is_waited_for_not_guessed(
    make: Make, moment: Moment, sandbox: SandboxClient, stripe: AlteringStripe
) -> None:
    campaign = missed_campaign(make, moment, sandbox)

    def rename(seen: dict[str, Any]) -> None:
        if seen["object"] == "refund":
            seen["status"] = "teleporting"
            seen["balance_transaction"] = None

    stripe.change_objects(rename)
    due = make.work()
    refresh()
    assert db.session.scalars(sa.select(Refund.status)).all() == [RefundStatus.PENDING]
    assert db.session.scalars(sa.select(Pledge.status)).all() == [PledgeStatus.ACTIVE]
    assert f"{campaign.slug}: 1 refunds have not arrived" in due.waiting

    stripe.alter = lambda reply: reply
    moment.advance(hours=1)
    (refund,) = sandbox.every("/v1/refunds")
    sandbox.call_stripe(f"/v1/refunds/{refund['id']}", **{"metadata[looked]": "yes"})
    finish(make)
    check_given_back_once(sandbox, campaign)


def test_an_empty_page_that_says_more_follows_is_no_end_of_a_list(
    app: Flask, stripe: AlteringStripe
) -> None:
    page = json.dumps({"object": "list", "data": [], "has_more": True}).encode()
    stripe.alter = lambda reply: replace(reply, body=page)

    with pytest.raises(StripeAwayError):
        list(list_refunds(payments_runtime().gateway))
