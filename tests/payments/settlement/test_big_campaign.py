"""F37: a campaign of ten thousand pledges is given back at Stripe's pace, each pledge once."""

from collections import Counter
from typing import Final

import pytest
from flask import Flask

from campaigns.models import Campaign, CampaignStatus
from octo.database import db, reading
from payments.accounting.check import check_ledger
from stripe_sandbox.client import SandboxClient
from tests.crowd import charge_cards, gather, movements_at
from tests.make import Make
from tests.moment import Moment

PLEDGES: Final = 10_000
RATE: Final = 100

pytestmark = [pytest.mark.fault("F37"), pytest.mark.both_engines]


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Let Stripe allow a hundred refunds a second."""
    return {**environ, "STRIPE_RATE": str(RATE), "STRIPE_RATE_ENDPOINT": str(RATE)}


@pytest.mark.chaos
def test_ten_thousand_pledges_go_back_once_each_within_the_pace(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    charge_cards(sandbox, PLEDGES)
    campaign = make.live_campaign(goal=10**10, days=40, is_ready=False)
    assert gather(campaign, movements_at(sandbox)) == PLEDGES
    moment.advance(days=41)  # Stripe tells of the last thirty: not of each payment once more
    for milliseconds, action in ((150, "latency"), (150, "random")):
        sandbox.fault(
            method="POST",
            path="/v1/refunds",
            action=action,
            actions=["latency"],
            rate=0.5,
            milliseconds=milliseconds,
            times=0,
        )

    while make.work().waiting:
        continue

    refunds = Counter(one["charge"] for one in sandbox.every("/v1/refunds"))
    assert len(refunds) == refunds.total() == PLEDGES
    answers = Counter(one["status"] for one in sandbox.requests() if one["path"] == "/v1/refunds")
    assert answers[429] == 0
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED
    with reading() as session:
        assert check_ledger(session).faults == ()
