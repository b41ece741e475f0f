"""F30: refunds, transfers and reversals made by hand at Stripe: adopted, and never repeated."""

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus, Pledge
from octo.database import db
from payments.accounting import chart
from payments.models import (
    Discrepancy,
    Freeze,
    InboxEvent,
    InboxStatus,
    Refund,
    RefundReason,
    RefundStatus,
)
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.obligations import (
    AVAILABLE_AT_ONCE,
    again,
    balance_of,
    check_books,
    documented_net,
    documents,
    refunded,
    sent_to_owner,
    sign_in_as_treasurer,
    tick,
    transfers,
)
from tests.visitor import Visitor

UNTIL_PLANNED = ("close_campaigns", "settle_campaigns")

pytestmark = pytest.mark.fault("F30")


def missed(make: Make, moment: Moment, sandbox: SandboxClient) -> tuple[Campaign, Pledge]:
    """Plan the refunds of a missed goal, and send none."""
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    pledge = make.pledge(campaign, 50_00, tip=2_00)
    moment.advance(days=21)
    tick(make, *UNTIL_PLANNED)
    return campaign, pledge


def reached(make: Make, moment: Moment, sandbox: SandboxClient) -> Campaign:
    """Have a campaign whose owner is to be paid 122.13, and who is not paid yet."""
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=100_00, days=20)
    make.pledge(campaign, 80_00, tip=3_00, card=AVAILABLE_AT_ONCE)
    make.pledge(campaign, 53_33, card=AVAILABLE_AT_ONCE)
    moment.advance(days=21)
    tick(make, "close_campaigns")
    return campaign


def transfer_by_hand(make: Make, sandbox: SandboxClient, campaign: Campaign, amount: int) -> str:
    made = sandbox.call_stripe(
        "/v1/transfers",
        amount=amount,
        currency="eur",
        destination=make.stripe_account(campaign.organisation),
        transfer_group=campaign.public_id,
    )
    return str(made["id"])


def refunds_asked_for(sandbox: SandboxClient) -> list[str]:
    asked = [one for one in sandbox.requests() if one["path"] == "/v1/refunds"]
    return [one["params"].get("amount", "") for one in asked if one["method"] == "POST"]


def test_part_refunded_by_hand_before_ours_leaves_the_rest_alone_to_ask_for(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, pledge = missed(make, moment, sandbox)
    charge = make.payment(pledge).stripe_charge_id
    sandbox.call_stripe("/v1/refunds", charge=charge, amount=20_00)

    make.work()

    assert refunded(sandbox) == [20_00, 32_00]
    assert refunds_asked_for(sandbox) == ["2000", "3200"]
    states = [(one.reason, one.status) for one in db.session.scalars(sa.select(Refund))]
    assert states == [
        (RefundReason.GOAL_MISSED, RefundStatus.CANCELED),
        (RefundReason.EXTERNAL, RefundStatus.SUCCEEDED),
        (RefundReason.GOAL_MISSED, RefundStatus.SUCCEEDED),
    ]
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)


def test_part_refunded_by_hand_while_ours_is_sent_is_found_by_its_refusal(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, pledge = missed(make, moment, sandbox)
    tick(make, "compare_books")
    charge = make.payment(pledge).stripe_charge_id
    for amount in (20_00, 7_00):
        sandbox.call_stripe("/v1/refunds", charge=charge, amount=amount)

    tick(make, "send_attempts", "send_attempts")
    make.work()

    assert refunded(sandbox) == [7_00, 20_00, 25_00]
    assert refunds_asked_for(sandbox)[2:] == ["5200", "2500"]
    assert db.session.scalars(sa.select(Freeze)).all() == []
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)


def test_lifting_a_freeze_asks_for_what_is_left_and_no_more(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, pledge = missed(make, moment, sandbox)
    sandbox.fault(
        method="POST", path="/v1/refunds", action="error_before", status=400, saved=True, times=1
    )
    make.work()
    assert len(db.session.scalars(sa.select(Freeze)).all()) == 1
    charge = make.payment(pledge).stripe_charge_id
    sandbox.call_stripe("/v1/refunds", charge=charge, amount=20_00)
    make.work()
    sign_in_as_treasurer(make, client)

    page = f"/treasury/campaigns/{campaign.public_id}"
    assert client.submit(page, {"reason": "Vu"}, form="/unfreeze").status_code == 200
    make.work()

    assert refunded(sandbox) == [20_00, 32_00]
    assert refunds_asked_for(sandbox) == ["5200", "2000", "3200"]
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)


def test_a_refund_by_hand_after_the_transfer_is_credited_and_owed(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = reached(make, moment, sandbox)
    make.work()
    charge = db.session.scalars(sa.select(Pledge).where(Pledge.amount == 80_00)).one()

    sandbox.call_stripe("/v1/refunds", charge=make.payment(charge).stripe_charge_id, amount=30_00)
    make.work()

    assert documents(campaign)[1] == ("credit_note", 30_00, 27_48)  # fee 2.10, VAT 0.42
    assert balance_of(chart.owner_debt(campaign.organisation)) == 27_48
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)


def test_a_transfer_by_hand_of_what_is_due_is_taken_as_ours(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = reached(make, moment, sandbox)
    made = transfer_by_hand(make, sandbox, campaign, 122_13)

    make.work()

    assert [one["id"] for one in sandbox.every("/v1/transfers")] == [made]
    assert transfers(campaign) == [("succeeded", 122_13)]
    assert balance_of(chart.owner_payable(campaign)) == 0
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)


def test_another_transfer_by_hand_stops_ours_and_is_shown(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = reached(make, moment, sandbox)
    made = transfer_by_hand(make, sandbox, campaign, 100_00)

    make.work()

    assert [one["id"] for one in sandbox.every("/v1/transfers")] == [made]
    assert transfers(campaign) == [("pending", 122_13)]
    parked = sa.select(InboxEvent.object_id).where(InboxEvent.status == InboxStatus.PARKED)
    assert made in db.session.scalars(parked).all()
    assert make.app.test_cli_runner().invoke(args=["reconcile"]).exit_code == 1
    assert db.session.scalars(sa.select(Discrepancy.campaign_id)).all()
    sign_in_as_treasurer(make, client)
    assert made in client.get("/treasury").text


def test_a_transfer_taken_back_by_hand_is_paid_again_only_on_a_treasurers_word(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = reached(make, moment, sandbox)
    make.work()
    (made,) = sandbox.every("/v1/transfers")

    sandbox.call_stripe(f"/v1/transfers/{made['id']}/reversals", amount=22_13)
    make.work()
    moment.advance(days=1)
    make.work()

    assert transfers(campaign) == [("succeeded", 122_13), ("pending", 22_13)]
    assert sent_to_owner(sandbox, campaign) == 100_00
    assert balance_of(chart.owner_payable(campaign)) == -22_13
    assert again(campaign).status is CampaignStatus.SETTLING
    check_books(sandbox)

    sign_in_as_treasurer(make, client)
    page = client.page(f"/treasury/campaigns/{campaign.public_id}")
    (decide,) = page.xpath("//a[contains(@href, '/treasury/transfers/')]/@href")
    assert client.submit(decide, {"reason": "Repris par erreur"}).status_code == 200
    make.work()

    assert sent_to_owner(sandbox, campaign) == documented_net(campaign) == 122_13
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)
