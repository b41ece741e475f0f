"""``flask settle --rehearse`` says what the real run then does, and changes nothing."""

import json
import random
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, Collection
from octo.database import db, transaction
from payments.gateway.runtime import payments_runtime
from payments.models import Payment, PaymentStatus, Settlement, Transfer
from payments.owners.onboarding import refresh_owner
from payments.refunds.requests import refund_by_treasurer
from stripe_sandbox.client import VISA, SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.visitor import refresh

AVAILABLE_AT_ONCE: Final = "4000000000000077"
DISPUTED: Final = "4000000000000259"
DECLINED_LATER: Final = "4000000000000341"


def rehearse(app: Flask, *slugs: str) -> tuple[int, dict[str, Any]]:
    ran = app.test_cli_runner().invoke(args=["settle", "--rehearse", "--json", *slugs])
    refresh()
    return ran.exit_code, json.loads(ran.output)


def fingerprint() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    refresh()
    return {
        table.name: sorted(map(tuple, db.session.execute(sa.select(table))), key=repr)
        for table in db.metadata.sorted_tables
    }


def calls_that_change(sandbox: SandboxClient) -> list[str]:
    return [one["path"] for one in sandbox.requests() if one["method"] != "GET"]


def give_back_some(payment: Payment, amount: int) -> None:
    runtime = payments_runtime()
    refund_by_treasurer(
        payment.public_id,
        amount=amount,
        action_key=f"some:{payment.public_id}",
        actor="usr_treasurer",
        settings=runtime.settings,
        clock=runtime.clock,
    )


@dataclass(frozen=True)
class Happened:
    """What the real run did for one campaign, told as a plan tells it."""

    outcome: str | None
    refunds: Counter[int]
    figures: dict[str, int]
    transfer: tuple[int, str | None] | None


def what_happened(campaign: Campaign, made_before: set[str], sandbox: SandboxClient) -> Happened:
    refresh()
    now = db.session.get_one(Campaign, campaign.id)
    of_campaign = sa.select(Payment.stripe_charge_id).where(Payment.campaign_id == now.id)
    charges = set(db.session.scalars(of_campaign))
    refunds = Counter(
        one["amount"]
        for one in sandbox.every("/v1/refunds")
        if one["id"] not in made_before and one["charge"] in charges
    )
    document = db.session.scalars(
        sa.select(Settlement).where(Settlement.campaign_id == now.id)
    ).one_or_none()
    transfer = db.session.scalars(
        sa.select(Transfer).where(Transfer.campaign_id == now.id)
    ).one_or_none()
    return Happened(
        outcome=now.outcome.value if now.outcome else None,
        refunds=refunds,
        figures={
            name: getattr(document, name)
            for name in ("gross_amount", "fee_amount", "vat_amount", "net_amount", "tips_amount")
        }
        if document
        else {},
        transfer=(transfer.amount, transfer.block) if transfer else None,
    )


def play_history(seed: int, make: Make, moment: Moment, sandbox: SandboxClient) -> list[Campaign]:
    """Draw three or four campaigns of one evening, and what their backers did."""
    draw = random.Random(seed)
    sandbox.top_up(draw.randrange(0, 300_00))
    campaigns = [
        make.live_campaign(goal=draw.randrange(20_00, 120_00), days=20)
        for _ in range(draw.randrange(3, 5))
    ]
    for campaign in campaigns:
        for _ in range(draw.randrange(1, 5)):
            card = draw.choice([VISA, AVAILABLE_AT_ONCE, AVAILABLE_AT_ONCE, DISPUTED])
            amount, tip = draw.randrange(10_00, 40_01), draw.choice([0, 1_00, 2_51])
            pledge = make.pledge(campaign, amount, tip=tip, card=card)
            if draw.random() < 0.25:
                give_back_some(make.payment(pledge), draw.randrange(1, 9_00))
        if draw.random() < 0.5:
            make.open_checkout(make.pending_pledge(campaign, 15_00))
    make.work()
    moment.advance(days=draw.choice([10, 19]))
    late = draw.choice(campaigns)
    make.pledge(late, 12_34, tip=1)
    make.work()
    if draw.random() < 0.3:
        sandbox.restrict(make.stripe_account(campaigns[0].organisation))
        runtime = payments_runtime()
        refresh_owner(campaigns[0].organisation_id, gateway=runtime.gateway, clock=runtime.clock)
    if draw.random() < 0.3:
        with transaction() as session:
            session.execute(
                sa.text("UPDATE campaign SET status = 'suspended' WHERE id = :id"),
                {"id": campaigns[-1].id},
            )
    moment.advance(days=11)
    return campaigns


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_real_run_does_what_was_rehearsed(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient, seed: int
) -> None:
    campaigns = play_history(seed, make, moment, sandbox)
    known = {one["id"] for one in sandbox.every("/v1/refunds")}
    before, calls = fingerprint(), calls_that_change(sandbox)

    code, rehearsal = rehearse(app)

    assert fingerprint() == before
    assert calls_that_change(sandbox) == calls
    plans = {plan["slug"]: plan for plan in rehearsal["campaigns"]}
    assert set(plans) == {campaign.slug for campaign in campaigns}
    make.work()
    for campaign in campaigns:
        plan, done = plans[campaign.slug], what_happened(campaign, known, sandbox)
        assert plan["outcome"] == done.outcome
        assert plan["refunds"]["count"] == done.refunds.total()
        assert plan["refunds"]["amount"] == sum(done.refunds.elements())
        assert {name: plan["figures"][name] for name in done.figures} == done.figures
        planned = plan["transfer"]
        assert (planned and (planned["amount"], planned["waits_for"])) == done.transfer
    assert code == (0 if rehearsal["is_well"] else 1)


def test_saved_cards_are_counted_before_they_are_charged(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=30_00, days=20, collection=Collection.ON_SUCCESS)
    for card in (VISA, VISA, DECLINED_LATER):
        make.pledge(campaign, 12_00, tip=1_00, card=card)
    short = make.live_campaign(goal=90_00, days=20, collection=Collection.ON_SUCCESS)
    make.pledge(short, 20_00)
    make.work()
    moment.advance(days=21)

    _, rehearsal = rehearse(app)
    make.work()

    reached, missed = rehearsal["campaigns"]
    assert (reached["step"], reached["charges"]) == ("collect", {"count": 3, "amount": 39_00})
    assert (missed["step"], missed["shortfall_amount"]) == ("give back", 70_00)
    assert missed["refunds"] == missed["charges"] == {"count": 0, "amount": 0}
    refresh()
    tried = db.session.scalars(sa.select(Payment.status)).all()
    assert Counter(tried) == {PaymentStatus.SUCCEEDED: 2, PaymentStatus.FAILED: 1}
    _, later = rehearse(app)
    assert later["campaigns"][0]["charges"]["count"] == 0
    moment.advance(days=8)
    _, ended = rehearse(app)
    assert ended["campaigns"][0]["outcome"] == "failed"
    assert ended["campaigns"][0]["refunds"] == {"count": 2, "amount": 26_00}


def test_what_stands_in_the_way_is_named_and_exits_1(
    app: Flask,
    make: Make,
    moment: Moment,
    sandbox: SandboxClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unready = make.live_campaign(goal=10_00, days=20)
    make.pledge(unready, 20_00)
    failing = make.live_campaign(goal=9_000_00, days=20)
    make.pledge(failing, 1_000_00)  # Stripe keeps 15.25
    sandbox.restrict(make.stripe_account(unready.organisation))

    code, early = rehearse(app, failing.slug)
    assert code == 1
    assert early["campaigns"][0]["shortfall_amount"] == 8_000_00
    moment.advance(days=40)
    code, rehearsal = rehearse(app)

    assert code == 1
    assert [plan["troubles"] for plan in rehearsal["campaigns"]] == [["owner_not_ready"], []]
    assert rehearsal["float_amount"] == 15_25
    assert rehearsal["cover_amount"] == -(15_25 + 55)
    assert rehearsal["missing_amount"] == 15_25 + 55
    runner = app.test_cli_runner()
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    french = runner.invoke(args=["settle", "--rehearse"]).output
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    english = runner.invoke(args=["settle", "--rehearse"]).output
    assert "Objectif manqué" in french
    assert "15,80\xa0€" in french
    assert "Goal missed" in english
    assert "€15.80" in english
    assert runner.invoke(args=["settle"]).exit_code == 2
    assert runner.invoke(args=["settle", "--rehearse", "nowhere"]).exit_code == 1

    sandbox.top_up(500_00)
    sandbox.onboard(make.stripe_account(unready.organisation))
    make.work()
    assert rehearse(app)[0] == 0
