"""F17: hundreds pay in the deadline's second: sum, verdict and what goes back tell one story."""

import random
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from octo.database import db
from octo.worker import run_due
from payments.models import Payment
from stripe_sandbox.client import SandboxClient, SandboxRefusedError
from tests.faults.finishing import finish
from tests.faults.judging import check_conserved
from tests.make import Make
from tests.moment import Moment
from tests.seeds import draw_seed
from tests.visitor import refresh

ASKS_ALWAYS: Final = "4000002760003184"
AMOUNT: Final = 10_00
LEAD_SECONDS: Final = 2.0
AROUND_SECONDS: Final = 1.0
PAID: Final = "paid"
Json = Any

pytestmark = [pytest.mark.fault("F17"), pytest.mark.both_engines]


def pay_when(at: float, session_id: str, sandbox: SandboxClient, told: list[str]) -> None:
    """Confirm on Stripe's page at an instant of the monotonic clock, and say what came of it."""
    time.sleep(max(at - time.monotonic(), 0.0))
    with SandboxClient(sandbox.url, sandbox.key) as client:
        try:
            client.pay(session_id)
            told.append(PAID)
        except SandboxRefusedError as refused:
            told.append(str(refused))


def play_the_last_seconds(app: Flask, sandbox: SandboxClient, pages: list[str], left: float) -> int:
    """Let everybody confirm around the deadline while a worker works; count who could."""
    chances = random.Random(draw_seed())
    refresh()
    deadline = time.monotonic() + left
    told: list[str] = []
    instants = [deadline + chances.uniform(-AROUND_SECONDS, AROUND_SECONDS) for _ in pages]
    threads = [
        threading.Thread(target=pay_when, args=(at, page, sandbox, told))
        for at, page in zip(instants, pages, strict=True)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        run_due(app)
    assert all(one == PAID or "session_not_open" in one for one in told), told
    return told.count(PAID)


def counted_at_stripe(sandbox: SandboxClient, campaign: Campaign) -> tuple[list[Json], list[Json]]:
    """Part the charges of a campaign in those made before its deadline and the others."""
    assert campaign.deadline_at is not None
    charges = [one for one in sandbox.every("/v1/charges") if one["paid"]]
    is_late = [
        datetime.fromtimestamp(one["created"], UTC) >= campaign.deadline_at for one in charges
    ]
    in_time = [one for one, late in zip(charges, is_late, strict=True) if not late]
    return in_time, [one for one, late in zip(charges, is_late, strict=True) if late]


def check_one_story(sandbox: SandboxClient, campaign: Campaign) -> None:
    """Hold the campaign's sum and verdict, and each pledge's end, against Stripe's charges."""
    refresh()
    seen = db.session.get_one(Campaign, campaign.id)
    in_time, late = counted_at_stripe(sandbox, seen)
    pledged = sum(one["amount"] for one in in_time)
    is_funded = pledged >= seen.goal_amount
    assert seen.status is CampaignStatus.SETTLED
    assert (seen.pledged_amount, seen.backers_count) == (pledged, len(in_time))
    assert seen.outcome is (Outcome.SUCCEEDED if is_funded else Outcome.FAILED)
    kept = sum(one["amount"] - one["amount_refunded"] for one in in_time)
    assert kept == (pledged if is_funded else 0)
    assert all(one["amount_refunded"] == one["amount"] for one in late)
    rows = db.session.execute(
        sa.select(Payment.stripe_charge_id, Pledge.status)
        .join(Pledge, Pledge.id == Payment.pledge_id)
        .where(Payment.stripe_charge_id.is_not(None))
    )
    statuses = {one.stripe_charge_id: one.status for one in rows}
    counted = PledgeStatus.COLLECTED if is_funded else PledgeStatus.REFUNDED
    assert {one["id"]: statuses[one["id"]] for one in in_time} == {
        one["id"]: counted for one in in_time
    }
    assert not {PledgeStatus.ACTIVE, PledgeStatus.COLLECTED} & {statuses[one["id"]] for one in late}
    check_conserved(sandbox)


@pytest.mark.slow
@pytest.mark.parametrize(
    "backers", [pytest.param(40, id="40"), pytest.param(500, id="500", marks=pytest.mark.chaos)]
)
def test_payments_around_the_deadlines_second_tell_one_story(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient, backers: int
) -> None:
    sandbox.top_up(backers * 100 + 100_00)
    campaign = make.live_campaign(goal=AMOUNT * backers // 2, days=20)
    assert campaign.deadline_at is not None
    moment.advance_to(campaign.deadline_at - timedelta(minutes=20))
    pages = [make.open_checkout(make.pending_pledge(campaign, AMOUNT)) for _ in range(backers)]
    make.work()
    moment.advance_to(campaign.deadline_at - timedelta(seconds=LEAD_SECONDS))

    left = (campaign.deadline_at - moment.now()).total_seconds()
    paid = play_the_last_seconds(app, sandbox, pages, left)
    moment.advance(days=10)
    finish(make)

    assert paid, "nobody could pay"
    check_one_story(sandbox, campaign)


def pass_three_d_secure(sandbox: SandboxClient, intent_id: str) -> None:
    """Answer the bank on its own page."""
    intent = sandbox.get(f"/v1/payment_intents/{intent_id}")
    page = intent["next_action"]["redirect_to_url"]["url"]
    form = urllib.parse.urlencode({"outcome": "complete"}).encode()
    opener = urllib.request.build_opener(_Stay)
    opener.open(urllib.request.Request(page, form), timeout=30).close()  # noqa: S310 - our own


class _Stay(urllib.request.HTTPRedirectHandler):
    """The way back leads to a site that is not served."""

    def redirect_request(self, *_: Any) -> None:
        return None

    def http_error_303(self, _request: Any, answer: Any, *_: Any) -> Any:
        return answer


def closed_already(make: Make) -> None:
    """Let the worker close the campaign while the bank's page is open."""
    make.work()


def not_yet(_: Make) -> None:
    """Let the bank's page be answered before any worker has looked."""


@pytest.mark.parametrize("meanwhile", [not_yet, closed_already])
def test_three_d_secure_finished_after_the_deadline_does_not_count(
    make: Make, moment: Moment, sandbox: SandboxClient, meanwhile: Callable[[Make], None]
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=30_00, days=20)
    make.pledge(campaign, 20_00)
    assert campaign.deadline_at is not None
    moment.advance_to(campaign.deadline_at - timedelta(minutes=10))
    page = make.open_checkout(make.pending_pledge(campaign, 10_00))
    asked = sandbox.post(f"/_sandbox/checkout/{page}/pay", card=ASKS_ALWAYS)
    assert asked["session"]["status"] == "open"
    moment.advance(seconds=660)

    meanwhile(make)
    intent = asked["session"]["payment_intent"]
    if sandbox.get(f"/v1/payment_intents/{intent}")["status"] == "requires_action":
        pass_three_d_secure(sandbox, intent)
    moment.advance(days=10)
    finish(make)

    check_one_story(sandbox, campaign)
    refresh()
    assert db.session.get_one(Campaign, campaign.id).outcome is Outcome.FAILED
