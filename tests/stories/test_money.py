"""From pledge to settlement: what happens to every cent, read in the ledger and at Stripe."""

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from octo.database import db
from payments.accounting import chart
from payments.ledger.balances import balances_of
from payments.models import (
    Attempt,
    AttemptStatus,
    Payment,
    Refund,
    RefundReason,
    Settlement,
    Transfer,
)
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment

AVAILABLE_AT_ONCE = "4000000000000077"

pytestmark = pytest.mark.dates


def balance_of(account: str) -> int:
    return balances_of(db.session(), "EUR").get(account, 0)


def again(campaign: Campaign) -> Campaign:
    db.session.expire_all()
    return db.session.get_one(Campaign, campaign.id)


def refunds_at_stripe(sandbox: SandboxClient) -> list[tuple[str, int]]:
    return sorted((one["charge"], one["amount"]) for one in sandbox.every("/v1/refunds"))


def test_a_paid_pledge_counts_and_is_held_for_the_campaign(
    make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=100_00)

    pledge = make.pledge(campaign, 50_00, tip=2_00)  # Stripe keeps 1.5 % + 0.25 = 1.03

    assert db.session.get_one(Pledge, pledge.id).status is PledgeStatus.ACTIVE
    assert again(campaign).pledged_amount == 50_00
    assert balance_of(chart.STRIPE_BALANCE) == 50_97
    assert balance_of(chart.campaign_funds(campaign)) == -50_00
    assert balance_of(chart.tips_held(campaign)) == -2_00
    assert balance_of(chart.PROCESSOR_FEES) == 1_03
    assert [one["amount"] for one in sandbox.every("/v1/charges")] == [52_00]


def test_hearing_of_a_payment_many_times_changes_nothing(make: Make) -> None:
    campaign = make.live_campaign()
    pledge = make.pledge(campaign, 50_00)

    for _ in range(3):
        make.refresh(pledge)
        make.work()

    assert again(campaign).pledged_amount == 50_00
    assert balance_of(chart.campaign_funds(campaign)) == -50_00


def test_a_missed_goal_gives_every_cent_back_tips_included(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=100_00, days=20)
    pledges = [make.pledge(campaign, 15_00, tip=1_00), make.pledge(campaign, 20_00)]
    sandbox.top_up(100_00)

    moment.advance(days=21)
    make.work()

    assert again(campaign).status is CampaignStatus.SETTLED
    assert again(campaign).outcome is Outcome.FAILED
    charges = [make.payment(pledge).stripe_charge_id for pledge in pledges]
    assert refunds_at_stripe(sandbox) == sorted(zip(charges, [16_00, 20_00], strict=True))
    assert balance_of(chart.campaign_funds(campaign)) == 0
    assert balance_of(chart.tips_held(campaign)) == 0
    assert sandbox.every("/v1/transfers") == []


def test_a_reached_goal_pays_the_owner_the_net_once_it_is_available(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=100_00, days=20)
    make.pledge(campaign, 100_00, tip=3_00)
    moment.advance(days=19, hours=23)
    make.pledge(campaign, 33_33)

    moment.advance(hours=2)
    due = make.work()

    document = db.session.scalars(sa.select(Settlement)).one()
    assert document.gross_amount == 133_33
    assert (document.fee_amount, document.vat_amount) == (9_33, 1_87)  # 7 % and 20 %, half up
    assert document.net_amount == 122_13
    assert again(campaign).status is CampaignStatus.SETTLING
    assert any("funds" in reason for reason in due.waiting)

    moment.advance(days=8)
    make.work()

    assert again(campaign).status is CampaignStatus.SETTLED
    transfer = db.session.scalars(sa.select(Transfer)).one()
    assert [(one["id"], one["amount"]) for one in sandbox.every("/v1/transfers")] == [
        (transfer.stripe_transfer_id, 122_13)
    ]
    assert balance_of(chart.owner_payable(campaign)) == 0
    assert balance_of(chart.PLATFORM_FEES) == -9_33
    assert balance_of(chart.VAT_COLLECTED) == -1_87
    assert balance_of(chart.TIPS) == -3_00


def test_money_that_comes_after_the_deadline_goes_back(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=10_00, days=20)
    make.pledge(campaign, 10_00, card=AVAILABLE_AT_ONCE)
    moment.advance(days=19, hours=23, seconds=3590)
    late = make.pending_pledge(campaign, 15_00)
    session_id = make.open_checkout(late)
    moment.advance(seconds=11)

    sandbox.pay(session_id)
    make.work()

    assert make.payment(late).is_late
    refund = db.session.scalars(sa.select(Refund)).one()
    assert refund.reason is RefundReason.TOO_LATE
    assert refunds_at_stripe(sandbox) == [(make.payment(late).stripe_charge_id, 15_00)]
    assert again(campaign).pledged_amount == 10_00
    assert balance_of(chart.refunds_owed(campaign)) == 0


def test_an_abandoned_checkout_gives_its_stock_back(make: Make, moment: Moment) -> None:
    campaign = make.live_campaign(stock=1)
    pledge = make.pending_pledge(campaign, 10_00, reward=campaign.rewards[0])
    make.open_checkout(pledge)
    assert db.session.get_one(type(campaign.rewards[0]), campaign.rewards[0].id).is_sold_out

    moment.advance(hours=2)
    make.work()

    db.session.expire_all()
    assert db.session.get_one(Pledge, pledge.id).status is PledgeStatus.EXPIRED
    assert not campaign.rewards[0].is_sold_out


def test_an_owner_who_is_not_ready_waits_with_the_money_held(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=10_00, days=20, is_ready=False)
    make.pledge(campaign, 10_00, card=AVAILABLE_AT_ONCE)
    moment.advance(days=21)

    due = make.work()

    assert any("owner" in reason for reason in due.waiting)
    assert sandbox.every("/v1/transfers") == []

    make.onboard(campaign.organisation)
    make.work()

    assert again(campaign).status is CampaignStatus.SETTLED
    assert len(sandbox.every("/v1/transfers")) == 1


def test_no_attempt_is_left_open_at_the_end(make: Make, moment: Moment) -> None:
    campaign = make.live_campaign(goal=10_00, days=20)
    make.pledge(campaign, 10_00)
    moment.advance(days=40)

    make.work()

    left = db.session.scalars(
        sa.select(Attempt).where(Attempt.status.not_in([AttemptStatus.DONE, AttemptStatus.FAILED]))
    ).all()
    assert left == []
    assert db.session.scalars(sa.select(Payment)).one().is_resolved
