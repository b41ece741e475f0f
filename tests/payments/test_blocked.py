"""Money must never be stuck: one bad case stops itself alone, and every wait has an end."""

import time
from datetime import datetime, timedelta
from typing import Final

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from octo.clock import DatabaseClock
from octo.database import db, transaction
from payments.accounting import chart
from payments.accounting.check import check_ledger
from payments.gateway import attempts, engine
from payments.gateway.runtime import payments_runtime
from payments.ledger.balances import balance_of
from payments.models import (
    Attempt,
    AttemptKind,
    AttemptStatus,
    Freeze,
    InboxEvent,
    InboxStatus,
    Payment,
    Refund,
    RefundStatus,
    Transfer,
)
from payments.reconciliation.compare import reconcile
from payments.refunds.requests import refund_by_treasurer
from payments.settlement.unfreeze import lift_freeze
from payments.webhooks.inbox import store_events
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment

AVAILABLE_AT_ONCE: Final = "4000000000000077"
REFUND_FAILS_LATER: Final = "4000000000005126"
DISPUTED: Final = "4000000000000259"
FREEZE_SECONDS: Final = 2.5


def again(campaign: Campaign) -> Campaign:
    db.session.expire_all()
    return db.session.get_one(Campaign, campaign.id)


def refund_whole(payment: Payment) -> Refund:
    runtime = payments_runtime()
    return refund_by_treasurer(
        payment.public_id,
        amount=payment.refundable_amount,
        action_key="whole",
        actor="usr_test",
        settings=runtime.settings,
        clock=runtime.clock,
    )


def test_a_campaign_of_which_nothing_is_left_owes_no_transfer_and_stops_no_other(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    emptied = make.live_campaign(goal=10_00, days=20)
    pledge = make.pledge(emptied, 10_00)
    other = make.live_campaign(goal=10_00, days=20)
    make.pledge(other, 10_00)
    moment.advance(days=20)
    refund_whole(make.payment(pledge))

    make.work()
    moment.advance(days=20)
    make.work()

    assert again(emptied).status is CampaignStatus.SETTLED
    assert again(other).status is CampaignStatus.SETTLED
    transfers = db.session.scalars(sa.select(Transfer.campaign_id)).all()
    assert transfers == [other.id]
    assert check_ledger(db.session()).faults == ()


def test_a_payment_stripe_does_not_know_stops_its_own_campaign_alone(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    broken = make.live_campaign(goal=1_000_00, days=20)
    lost = make.pending_pledge(broken, 15_00)
    make.open_checkout(lost)
    with transaction() as session:
        session.get_one(Payment, make.payment(lost).id).stripe_checkout_session_id = "cs_lost"
    other = make.live_campaign(goal=1_000_00, days=20)
    abandoned = make.pending_pledge(other, 15_00)
    make.open_checkout(abandoned)
    moment.advance(days=21)

    due = make.work()

    assert again(other).status is CampaignStatus.SETTLED
    assert again(broken).status is CampaignStatus.CLOSING
    assert any(reason.startswith(broken.slug) for reason in due.waiting)


def test_looking_up_does_not_count_as_sending_so_a_new_key_comes_in_the_end(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(campaign, 15_00)
    moment.advance(days=21)
    sandbox.fault(method="POST", path="/v1/refunds", action="error_before", times=1)
    make.work()

    for _ in range(4):
        with transaction() as session:
            for one in session.scalars(
                sa.select(Attempt).where(Attempt.status == AttemptStatus.UNKNOWN)
            ):
                assert one.first_sent_at is not None
                assert one.sent_at is not None
                one.sends_count = attempts.SERVER_ERRORS_BEFORE_LOOKUP
                one.first_sent_at -= timedelta(seconds=60)
                one.sent_at -= timedelta(seconds=60)
                one.not_before -= timedelta(minutes=5)
        make.work()

    assert again(campaign).status is CampaignStatus.SETTLED
    assert [one["amount"] for one in sandbox.every("/v1/refunds")] == [15_00]


def test_a_refused_refund_is_planned_again_when_the_freeze_is_lifted(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(campaign, 15_00)
    moment.advance(days=21)
    sandbox.fault(
        method="POST", path="/v1/refunds", action="error_before", status=400, saved=True, times=1
    )
    make.work()
    assert db.session.scalars(sa.select(Freeze.campaign_id)).all() == [campaign.id]

    runtime = payments_runtime()
    lift_freeze(
        campaign.public_id,
        reason="Looked",
        actor="usr_test",
        settings=runtime.settings,
        clock=runtime.clock,
    )
    make.work()

    assert again(campaign).status is CampaignStatus.SETTLED
    assert [one["amount"] for one in sandbox.every("/v1/refunds")] == [15_00]


def test_a_refund_that_fails_days_later_takes_its_campaign_back_to_settling(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(campaign, 15_00, card=REFUND_FAILS_LATER)
    moment.advance(days=21)
    make.work()
    assert again(campaign).status is CampaignStatus.SETTLED

    moment.advance(days=20)
    make.work()

    assert db.session.scalars(sa.select(Refund.status)).all() == [RefundStatus.FAILED]
    assert balance_of(chart.refunds_owed(campaign)) == -15_00
    assert again(campaign).status is CampaignStatus.SETTLING


def test_an_event_that_cannot_be_handled_stops_no_other(make: Make, sandbox: SandboxClient) -> None:
    runtime = payments_runtime()
    poison = {
        "id": "evt_poison",
        "type": "payment_intent.succeeded",
        "data": {"object": {"id": "pi_strange", "metadata": None}},
    }
    store_events([poison], clock=runtime.clock)
    campaign = make.live_campaign()
    pledge = make.pending_pledge(campaign, 15_00)
    sandbox.pay(make.open_checkout(pledge))

    make.work()

    assert make.payment(pledge).stripe_charge_id is not None
    kept = sa.select(InboxEvent.status).where(InboxEvent.stripe_event_id == "evt_poison")
    assert db.session.scalar(kept) is InboxStatus.PARKED


class FrozenAfterReading(DatabaseClock):
    """A clock whose reader is frozen right after it has looked, as by SIGSTOP."""

    def machine_now(self) -> datetime:
        seen = super().machine_now()
        time.sleep(FREEZE_SECONDS)
        return seen


@pytest.mark.both_engines
@pytest.mark.fault("F13")
@pytest.mark.slow
def test_a_worker_frozen_while_it_claims_sends_nothing_when_it_thaws(
    make: Make, moment: Moment, sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make.live_campaign(goal=10_00, days=20)
    refund_whole(make.payment(make.pledge(campaign, 15_00)))
    for module in (attempts, engine):
        monkeypatch.setattr(module, "LEASE", timedelta(seconds=2))
    runtime = payments_runtime()
    reconcile(gateway=runtime.gateway, settings=runtime.settings, clock=runtime.clock)
    stopping = iter([False, False])

    engine.Engine(
        runtime.gateway,
        runtime.settings,
        FrozenAfterReading(),
        should_stop=lambda: next(stopping, True),
    ).run()

    assert sandbox.every("/v1/refunds") == []


def test_a_transfer_leaves_what_refunds_not_yet_planned_will_need(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    reached = make.live_campaign(goal=100_00, days=20)
    missed = make.live_campaign(goal=5_000_00, days=20)
    make.pledge(reached, 100_00, card=AVAILABLE_AT_ONCE)
    make.pledge(missed, 1_000_00, card=AVAILABLE_AT_ONCE)  # Stripe keeps 15.25 of it
    moment.advance(days=21)

    due = make.work()

    assert any("the balance to cover it" in reason for reason in due.waiting)
    assert sandbox.every("/v1/transfers") == []
    assert again(missed).status is CampaignStatus.SETTLED
    sandbox.top_up(100_00)
    make.work()
    assert again(reached).status is CampaignStatus.SETTLED


def test_money_a_bank_took_back_before_the_verdict_does_not_count(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=100_00, days=20)
    pledge = make.pledge(campaign, 80_00, tip=3_00, card=DISPUTED)
    make.pledge(campaign, 50_00)
    make.work()
    assert make.payment(pledge).disputed_amount == 83_00
    sandbox.top_up(500_00)
    moment.advance(days=21)

    make.work()

    assert again(campaign).outcome is Outcome.FAILED
    assert [one["amount"] for one in sandbox.every("/v1/refunds")] == [50_00]
    assert db.session.get_one(Pledge, pledge.id).status is PledgeStatus.ACTIVE

    (dispute,) = sandbox.every("/v1/disputes")
    sandbox.call_stripe(f"/v1/disputes/{dispute['id']}/close")
    make.work()
    assert again(campaign).status is CampaignStatus.SETTLED
    assert check_ledger(db.session()).faults == ()


@pytest.mark.both_engines
def test_a_database_that_fails_for_long_is_not_asked_for_ever(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=1_000_00, days=20)
    pledge = make.pending_pledge(campaign, 15_00)
    asked = 0

    def fail(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise sa.exc.OperationalError("UPDATE attempt", {}, Exception("planted"))

    def on_execute(
        _c: object, _cursor: object, statement: str, _p: object, _x: object, _many: object
    ) -> None:
        if statement.startswith("UPDATE attempt") and "closed_at" in statement:
            fail()

    sa.event.listen(db.engine, "before_cursor_execute", on_execute)
    try:
        with pytest.raises(sa.exc.OperationalError):
            make.open_checkout(pledge)
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", on_execute)

    assert asked <= 10
    left = sa.select(Attempt.status).where(Attempt.kind == AttemptKind.CHECKOUT_CREATE)
    assert db.session.scalars(left).all() == [AttemptStatus.SENT]


def test_a_dispute_left_out_of_the_document_is_not_owed_by_the_owner_too(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=50_00, days=20)
    make.pledge(campaign, 80_00, tip=3_00, card=DISPUTED)
    make.pledge(campaign, 50_00)
    make.work()
    moment.advance(days=40)
    make.work()
    assert again(campaign).status is CampaignStatus.SETTLED

    (dispute,) = sandbox.every("/v1/disputes")
    sandbox.call_stripe(f"/v1/disputes/{dispute['id']}/close")
    make.work()

    assert balance_of(chart.owner_debt(campaign.organisation)) == 0
    assert balance_of(chart.campaign_funds(campaign)) == 0
    assert balance_of(chart.tips_held(campaign)) == 0
    assert balance_of(chart.disputed(campaign)) == 0
    assert check_ledger(db.session()).faults == ()
