"""F28: an inquiry, and disputes before the verdict and between it and the transfer."""

import pytest
import sqlalchemy as sa

from campaigns.models import CampaignStatus, Outcome, Pledge, PledgeStatus
from octo.database import db
from payments.accounting import chart
from payments.models import (
    Attempt,
    AttemptKind,
    Dispute,
    DisputeStage,
    Freeze,
    Refund,
    RefundStatus,
)
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.obligations import (
    AVAILABLE_AT_ONCE,
    DISPUTED,
    INQUIRY,
    again,
    balance_of,
    check_books,
    contest,
    debt_left,
    documented_net,
    documents,
    judge,
    refunded,
    sent_to_owner,
    tick,
    transfers,
)

UNTIL_PLANNED = ("close_campaigns", "settle_campaigns")

pytestmark = pytest.mark.fault("F28")


def test_an_inquiry_takes_nothing_and_is_refunded_when_the_goal_is_missed(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    payment = make.payment(make.pledge(campaign, 50_00, tip=2_00, card=INQUIRY))
    make.work()
    assert make.payment(payment.pledge).disputed_amount == 0

    moment.advance(days=21)
    make.work()

    assert again(campaign).status is CampaignStatus.SETTLED
    assert refunded(sandbox) == [52_00]
    check_books(sandbox)


def test_a_dispute_won_after_the_goal_was_missed_is_refunded_then(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    pledge = make.pledge(campaign, 50_00, tip=2_00, card=DISPUTED)
    make.pledge(campaign, 30_00)
    make.work()
    (dispute,) = sandbox.every("/v1/disputes")
    assert balance_of(chart.disputed(campaign)) == 52_00
    moment.advance(days=21)

    make.work()

    assert again(campaign).status is CampaignStatus.SETTLED
    assert refunded(sandbox) == [30_00]

    judge(sandbox, dispute["id"], "win")
    make.work()

    assert again(campaign).status is CampaignStatus.SETTLED
    assert refunded(sandbox) == [30_00, 52_00]
    assert db.session.get_one(Pledge, pledge.id).status is PledgeStatus.REFUNDED
    assert balance_of(chart.disputed(campaign)) == 0
    check_books(sandbox)


def test_a_dispute_won_after_the_settlement_is_paid_by_a_supplementary_one(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=50_00, days=20)
    make.pledge(campaign, 80_00, tip=3_00, card=DISPUTED)
    make.pledge(campaign, 53_33)
    make.work()
    (dispute,) = sandbox.every("/v1/disputes")
    moment.advance(days=40)
    make.work()
    assert again(campaign).status is CampaignStatus.SETTLED
    assert documents(campaign) == [("main", 53_33, 48_85)]  # fee 3.73, VAT 0.75

    judge(sandbox, dispute["id"], "win")
    make.work()

    assert documents(campaign) == [("main", 53_33, 48_85), ("supplementary", 80_00, 73_28)]
    assert documented_net(campaign) == 133_33 - 9_33 - 1_87
    assert transfers(campaign) == [("succeeded", 48_85), ("succeeded", 73_28)]
    assert sent_to_owner(sandbox, campaign) == documented_net(campaign)
    assert again(campaign).status is CampaignStatus.SETTLED
    assert balance_of(chart.TIPS) == -3_00
    assert db.session.scalars(sa.select(Dispute.stage)).one() is DisputeStage.BEFORE_VERDICT
    check_books(sandbox)


def test_money_withdrawn_between_verdict_and_transfer_leaves_the_net(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=100_00, days=20)
    contested = make.payment(make.pledge(campaign, 80_00, tip=3_00))
    moment.advance(days=19, hours=23)
    make.pledge(campaign, 53_33)
    moment.advance(hours=2)
    make.work()
    assert documents(campaign) == [("main", 133_33, 122_13)]

    dispute = contest(sandbox, contested.stripe_charge_id)
    make.work()

    assert again(campaign).outcome is Outcome.SUCCEEDED
    assert documents(campaign) == [("main", 133_33, 122_13), ("credit_note", 80_00, 73_28)]
    assert transfers(campaign) == [("pending", 48_85)]
    assert balance_of(chart.TIPS) == 0

    moment.advance(days=10)
    make.work()

    assert transfers(campaign) == [("succeeded", 48_85)]
    judge(sandbox, dispute, "win")
    make.work()
    assert documents(campaign)[2] == ("supplementary", 80_00, 73_28)
    assert sent_to_owner(sandbox, campaign) == documented_net(campaign) == 122_13
    assert debt_left(campaign) == 0
    check_books(sandbox)


def test_a_partial_dispute_lost_leaves_the_rest_to_the_treasurer(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    payment = make.payment(make.pledge(campaign, 50_00, tip=2_00, card=AVAILABLE_AT_ONCE))
    dispute = contest(sandbox, payment.stripe_charge_id, amount=20_00)
    make.work()
    moment.advance(days=21)
    make.work()
    assert refunded(sandbox) == []
    assert again(campaign).status is CampaignStatus.SETTLING

    judge(sandbox, dispute, "lose")
    make.work()

    refund = db.session.scalars(sa.select(Refund)).one()  # Stripe refunds nothing of it any more
    assert (refund.status, refund.amount) == (RefundStatus.FAILED, 32_00)
    assert balance_of(chart.refunds_owed(campaign)) == -32_00
    assert balance_of(chart.campaign_funds(campaign)) == 0
    assert db.session.scalars(sa.select(Freeze)).all() == []
    check_books(sandbox)


def test_a_dispute_of_more_than_was_charged_costs_the_campaign_no_more(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=10_00, days=20)
    payment = make.payment(make.pledge(campaign, 50_00, tip=2_00))
    make.pledge(campaign, 40_00)
    dispute = contest(sandbox, payment.stripe_charge_id, amount=55_00)
    judge(sandbox, dispute, "lose")
    make.work()
    moment.advance(days=40)

    make.work()

    assert documents(campaign) == [("main", 40_00, 36_64)]
    assert balance_of(chart.DISPUTE_LOSSES) == 3_00
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)


def test_a_dispute_of_late_money_takes_what_was_owed_not_the_campaigns(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=10_00, days=20)
    make.pledge(campaign, 40_00)
    moment.advance(days=19, hours=23, seconds=3590)
    late = make.pending_pledge(campaign, 15_00, tip=1_00)
    session_id = make.open_checkout(late)
    moment.advance(seconds=11)
    sandbox.pay(session_id)
    make.refresh(late)
    contest(sandbox, make.payment(late).stripe_charge_id)
    make.work()
    (dispute,) = sandbox.every("/v1/disputes")

    judge(sandbox, dispute["id"], "lose")
    moment.advance(days=20)
    make.work()

    assert refunded(sandbox) == []
    assert balance_of(chart.refunds_owed(campaign)) == 0
    assert documents(campaign) == [("main", 40_00, 36_64)]
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)


def test_a_refund_planned_when_a_bank_withdraws_is_taken_back_cleanly(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    pledge = make.pledge(campaign, 50_00, tip=2_00)
    moment.advance(days=21)
    tick(make, *UNTIL_PLANNED)
    assert db.session.scalars(sa.select(Refund.status)).all() == [RefundStatus.PENDING]

    dispute = contest(sandbox, make.payment(pledge).stripe_charge_id)
    tick(make, "poll_events", "handle_inbox")

    assert db.session.scalars(sa.select(Refund.status)).all() == [RefundStatus.CANCELED]
    assert make.payment(pledge).disputed_amount == 52_00
    make.work()
    asked = [(one["method"], one["path"]) for one in sandbox.requests()]
    assert ("POST", "/v1/refunds") not in asked
    judge(sandbox, dispute, "lose")
    make.work()
    assert again(campaign).status is CampaignStatus.SETTLED
    assert db.session.get_one(Pledge, pledge.id).status is PledgeStatus.REFUNDED
    check_books(sandbox)


def test_a_refund_sent_after_the_bank_withdrew_is_closed_and_not_repeated(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    pledge = make.pledge(campaign, 50_00, tip=2_00)
    moment.advance(days=21)
    tick(make, *UNTIL_PLANNED)
    dispute = contest(sandbox, make.payment(pledge).stripe_charge_id)

    tick(make, "send_attempts")  # before anybody here has heard of the dispute
    make.work()

    asked = sa.select(sa.func.count()).where(Attempt.kind == AttemptKind.REFUND_CREATE)
    assert db.session.scalar(asked) == 1
    assert db.session.scalars(sa.select(Freeze)).all() == []
    assert make.payment(pledge).refunded_amount == 0
    judge(sandbox, dispute, "win")
    make.work()
    assert refunded(sandbox) == [52_00]
    assert again(campaign).status is CampaignStatus.SETTLED
    check_books(sandbox)
