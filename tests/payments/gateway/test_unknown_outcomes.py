"""Stripe did it or did not, and nobody knows: one object in the end, under one key."""

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus, Pledge
from octo.database import db, transaction
from payments.accounting.check import check_ledger
from payments.gateway.client import StripeAwayError
from payments.gateway.runtime import payments_runtime
from payments.models import Attempt, AttemptKind, AttemptStatus, Freeze, Refund, RefundReason
from payments.settlement.unfreeze import lift_freeze
from stripe_sandbox.client import SandboxClient
from tests.faults.finishing import finish
from tests.faults.judging import keys_of
from tests.make import Make
from tests.moment import Moment


def failed_campaign(make: Make, moment: Moment, sandbox: SandboxClient) -> tuple[Campaign, Pledge]:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    pledge = make.pledge(campaign, 15_00, tip=1_00)
    moment.advance(days=19)
    make.work()
    moment.advance(days=2)
    return campaign, pledge


def pretend_sent_long_ago(kind: AttemptKind, *, ago: timedelta) -> None:
    """Age the open attempts of a kind, as if machine time had passed."""
    with transaction() as session:
        for attempt in session.scalars(
            sa.select(Attempt).where(Attempt.kind == kind, Attempt.first_sent_at.is_not(None))
        ):
            assert attempt.first_sent_at is not None
            assert attempt.sent_at is not None
            attempt.first_sent_at -= ago
            attempt.sent_at -= ago
            attempt.not_before -= ago
            attempt.lease_until = None


def refunds_at_stripe(sandbox: SandboxClient) -> Counter[tuple[str, int]]:
    return Counter((one["charge"], one["amount"]) for one in sandbox.every("/v1/refunds"))


@pytest.mark.fault("F2", "F3", "F5")
@pytest.mark.slow
@pytest.mark.parametrize(
    "action",
    ["drop_before", "drop_after", "error_before", "error_after", "rate_limited", "conflict"],
)
def test_a_refund_whose_answer_is_lost_is_made_once_under_one_key(
    make: Make, moment: Moment, sandbox: SandboxClient, action: str
) -> None:
    campaign, pledge = failed_campaign(make, moment, sandbox)
    sandbox.fault(method="POST", path="/v1/refunds", action=action, times=1)

    finish(make)

    assert refunds_at_stripe(sandbox) == Counter(
        {(make.payment(pledge).stripe_charge_id, 16_00): 1}
    )
    assert len(set(keys_of(sandbox, "/v1/refunds"))) == 1
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED
    assert check_ledger(db.session()).faults == ()


@pytest.mark.fault("F4")
def test_an_error_replayed_for_ever_is_looked_up_and_adopted(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    _, pledge = failed_campaign(make, moment, sandbox)
    sandbox.fault(method="POST", path="/v1/refunds", action="error_after", times=1)

    finish(make)

    keys = keys_of(sandbox, "/v1/refunds")
    assert len(keys) >= 3
    assert len(set(keys)) == 1
    assert refunds_at_stripe(sandbox) == Counter(
        {(make.payment(pledge).stripe_charge_id, 16_00): 1}
    )


@pytest.mark.fault("F4")
def test_a_key_stripe_may_have_forgotten_is_looked_up_before_anything_is_sent(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    _, pledge = failed_campaign(make, moment, sandbox)
    sandbox.fault(method="POST", path="/v1/refunds", action="drop_after", times=0)
    make.work()
    sandbox.clear_faults()
    sent = len(keys_of(sandbox, "/v1/refunds"))
    pretend_sent_long_ago(AttemptKind.REFUND_CREATE, ago=timedelta(hours=25))

    finish(make)

    assert len(keys_of(sandbox, "/v1/refunds")) == sent
    assert refunds_at_stripe(sandbox) == Counter(
        {(make.payment(pledge).stripe_charge_id, 16_00): 1}
    )


def test_a_request_that_never_arrived_gets_a_new_key_once_the_old_one_is_dead(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    _, pledge = failed_campaign(make, moment, sandbox)
    sandbox.fault(method="POST", path="/v1/refunds", action="drop_before", times=0)
    make.work()
    sandbox.clear_faults()
    pretend_sent_long_ago(AttemptKind.REFUND_CREATE, ago=timedelta(hours=25))

    finish(make)

    assert refunds_at_stripe(sandbox) == Counter(
        {(make.payment(pledge).stripe_charge_id, 16_00): 1}
    )
    tries = db.session.scalars(
        sa.select(Attempt).where(Attempt.kind == AttemptKind.REFUND_CREATE).order_by(Attempt.id)
    ).all()
    assert [(one.try_number, one.status) for one in tries] == [
        (1, AttemptStatus.FAILED),
        (2, AttemptStatus.DONE),
    ]


def test_a_refund_made_by_hand_meanwhile_is_adopted_not_repeated(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, pledge = failed_campaign(make, moment, sandbox)
    charge = make.payment(pledge).stripe_charge_id
    sandbox.call_stripe("/v1/refunds", charge=charge)

    finish(make)

    assert refunds_at_stripe(sandbox) == Counter({(charge, 16_00): 1})
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED
    assert check_ledger(db.session()).faults == ()


def test_a_refund_made_by_hand_before_the_deadline_leaves_the_campaign(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    pledge = make.pledge(campaign, 15_00)
    sandbox.call_stripe("/v1/refunds", charge=make.payment(pledge).stripe_charge_id)

    make.work()

    refund = db.session.scalars(sa.select(Refund)).one()
    assert refund.reason is RefundReason.EXTERNAL
    assert db.session.get_one(Campaign, campaign.id).pledged_amount == 0
    moment.advance(days=21)
    make.work()
    assert len(sandbox.every("/v1/refunds")) == 1


def test_a_lost_checkout_is_asked_for_again_under_the_same_key(
    make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()
    pledge = make.pending_pledge(campaign, 15_00)
    sandbox.fault(method="POST", path="/v1/checkout/sessions", action="drop_after", times=1)

    with pytest.raises(StripeAwayError):
        make.open_checkout(pledge)
    finish(make)

    make.open_checkout(pledge)
    assert len(set(keys_of(sandbox, "/v1/checkout/sessions"))) == 1
    assert len(sandbox.every("/v1/checkout/sessions")) == 1


def test_a_transfer_whose_answer_is_lost_is_made_once(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=10_00, days=20)
    make.pledge(campaign, 10_00)
    sandbox.fault(method="POST", path="/v1/transfers", action="drop_after", times=2)
    moment.advance(days=40)

    finish(make)

    assert len(sandbox.every("/v1/transfers")) == 1
    assert len(set(keys_of(sandbox, "/v1/transfers"))) == 1
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED


def test_a_refusal_that_should_not_be_freezes_that_campaign_alone(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaigns = {make.live_campaign(goal=1_000_00, days=days).id for days in (20, 21)}
    for campaign_id in campaigns:
        make.pledge(db.session.get_one(Campaign, campaign_id), 15_00)
    sandbox.fault(
        method="POST", path="/v1/refunds", action="error_before", status=400, saved=True, times=1
    )
    moment.advance(days=22)

    make.work()

    frozen_id = db.session.scalars(sa.select(Freeze.campaign_id)).one()
    (other_id,) = campaigns - {frozen_id}
    broken = db.session.get_one(Campaign, frozen_id)
    assert db.session.get_one(Campaign, other_id).status is CampaignStatus.SETTLED
    assert broken.status is CampaignStatus.SETTLING

    runtime = payments_runtime()
    lift_freeze(
        broken.public_id,
        reason="Looked",
        actor="usr_test",
        settings=runtime.settings,
        clock=runtime.clock,
    )
    assert db.session.scalars(sa.select(Freeze).where(Freeze.lifted_at.is_(None))).all() == []
