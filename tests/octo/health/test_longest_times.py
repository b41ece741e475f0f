"""What stands in a state longer than it may is an alert, whichever package's state it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, Collection
from octo.database import transaction
from octo.health.heartbeat import Heartbeat
from octo.health.longest_times import LongestTime, longest_times, register_longest_times
from octo.mail.outbox import enqueue
from payments.gateway.runtime import payments_runtime
from payments.longest_times import STRIPE
from payments.models import (
    Attempt,
    AttemptStatus,
    InboxEvent,
    InboxStatus,
    Refund,
    RefundStatus,
    Transfer,
    TransferReversal,
)
from payments.owners.onboarding import refresh_owner
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.visitor import Visitor

AVAILABLE_AT_ONCE: Final = "4000000000000077"
DECLINED_LATER: Final = "4000000000000341"
FOR_EVER: Final = 0
MARGIN: Final = timedelta(minutes=1)


@dataclass
class Stage:
    """What a scene is set with; after it a row has just begun to stand in a state."""

    make: Make
    moment: Moment
    sandbox: SandboxClient

    def pass_deadline(self, campaign: Campaign) -> None:
        assert campaign.deadline_at is not None
        self.moment.advance_to(campaign.deadline_at + timedelta(seconds=1))

    def lose(self, path: str) -> None:
        """Have calls of one kind never arrive."""
        self.sandbox.fault(method="POST", path=path, action="drop_before", times=FOR_EVER)

    def fail_a_campaign(self) -> None:
        """Have a refund sent whose outcome nobody knows."""
        self.sandbox.top_up(100_00)
        campaign = self.make.live_campaign(goal=1_000_00, days=20)
        self.make.pledge(campaign, 15_00)
        self.pass_deadline(campaign)
        self.lose("/v1/refunds")
        self.make.work()

    def receive(self, status: InboxStatus) -> None:
        at = self.moment.clock.machine_now()
        with transaction() as session:
            session.add(
                InboxEvent(
                    stripe_event_id="evt_1",
                    type="payment_intent.succeeded",
                    object_id="pi_stranger",
                    payload={},
                    status=status,
                    received_at=at,
                    not_before=at + timedelta(days=2),
                )
            )


def close_nothing(stage: Stage) -> None:
    stage.pass_deadline(stage.make.live_campaign(goal=10_00, days=20))


def hold_a_verdict_up(stage: Stage) -> None:
    campaign = stage.make.live_campaign(goal=10_00, days=20)
    stage.moment.advance(days=20, seconds=-300)
    stage.make.open_checkout(stage.make.pending_pledge(campaign, 10_00))
    stage.pass_deadline(campaign)
    stage.lose("/v1/checkout/sessions/*/expire")
    stage.make.work()


def collect_for_ever(stage: Stage) -> None:
    campaign = stage.make.live_campaign(goal=50_00, days=20, collection=Collection.ON_SUCCESS)
    stage.make.pledge(campaign, 60_00)
    stage.make.pledge(campaign, 50_00, card=DECLINED_LATER)
    stage.pass_deadline(campaign)
    stage.make.work()
    stage.moment.advance(days=7)


def leave_a_pledge(stage: Stage) -> None:
    pledge = stage.make.pending_pledge(stage.make.live_campaign(goal=10_00, days=20), 10_00)
    stage.moment.advance_to(pledge.expires_at)


def settle_nothing(stage: Stage) -> None:
    campaign = stage.make.live_campaign(goal=10_00, days=2)
    stage.make.pledge(campaign, 20_00)
    stage.pass_deadline(campaign)
    stage.make.work()
    with transaction() as session:
        expected_at = session.scalars(sa.select(Transfer.expected_at)).one()
    assert expected_at is not None
    stage.moment.advance_to(expected_at)


def keep_an_owner_waiting(stage: Stage) -> None:
    campaign = stage.make.live_campaign(goal=10_00, days=2)
    stage.make.pledge(campaign, 20_00, card=AVAILABLE_AT_ONCE)
    runtime = payments_runtime()
    stage.sandbox.restrict(stage.make.stripe_account(campaign.organisation))
    refresh_owner(campaign.organisation_id, gateway=runtime.gateway, clock=runtime.clock)
    stage.pass_deadline(campaign)
    stage.make.work()


def owe_a_refund(stage: Stage) -> None:
    stage.fail_a_campaign()
    with transaction() as session:
        refund = session.scalars(sa.select(Refund)).one()
        refund.advance_to(RefundStatus.FAILED, at=stage.moment.now())


def take_a_transfer_back(stage: Stage) -> None:
    campaign = stage.make.live_campaign(goal=10_00, days=2)
    stage.make.pledge(campaign, 20_00, card=AVAILABLE_AT_ONCE)
    stage.pass_deadline(campaign)
    stage.make.work()
    with transaction() as session:
        transfer = session.scalars(sa.select(Transfer)).one()
        session.add(
            TransferReversal(
                public_id="trr_1",
                transfer_id=transfer.id,
                campaign_id=transfer.campaign_id,
                amount=1_00,
                currency="EUR",
                requested_at=stage.moment.clock.now(),
            )
        )


def send_no_call(stage: Stage) -> None:
    stage.fail_a_campaign()
    with transaction() as session:
        attempt = session.scalars(
            sa.select(Attempt).where(Attempt.status == AttemptStatus.UNKNOWN)
        ).one()
        attempt.status, attempt.sent_at = AttemptStatus.NEW, None


def send_no_mail(stage: Stage) -> None:
    with transaction() as session:
        message = enqueue(
            session,
            to="lea.riou@example.org",
            locale="fr",
            template="password_changed",
            context={"name": "Léa"},
            at=stage.moment.clock.now(),
        )
        message.tries_count = 1


STAGES: Final[dict[str, Callable[[Stage], None]]] = {
    "closing_late": close_nothing,
    "verdict_late": hold_a_verdict_up,
    "collecting_late": collect_for_ever,
    "pledge_late": leave_a_pledge,
    "settling_late": settle_nothing,
    "owner_late": keep_an_owner_waiting,
    "refund_late": Stage.fail_a_campaign,
    "refund_owed": owe_a_refund,
    "reversal_late": take_a_transfer_back,
    "call_late": send_no_call,
    "outcome_unknown": Stage.fail_a_campaign,
    "event_late": lambda stage: stage.receive(InboxStatus.RECEIVED),
    "event_parked": lambda stage: stage.receive(InboxStatus.PARKED),
    "mail_late": send_no_mail,
}


def age(by: timedelta) -> None:
    """Make what machine time counts older: that clock is never moved."""
    with transaction() as session:
        for attempt in session.scalars(sa.select(Attempt).where(Attempt.closed_at.is_(None))):
            attempt.created_at -= by
            if attempt.first_sent_at is not None:
                attempt.first_sent_at -= by
        for event in session.scalars(sa.select(InboxEvent)):
            event.received_at -= by
        for beat in session.scalars(sa.select(Heartbeat).where(Heartbeat.name == STRIPE)):
            assert beat.alive_since is not None
            beat.alive_since -= by


def reasons(client: Visitor) -> set[str]:
    told: Any = client.get("/alerts").json
    return {one["code"] for one in told["reasons"]}


def test_each_state_that_must_pass_has_a_scene_below(app: Flask) -> None:
    assert {one.code for one in longest_times(app)} == set(STAGES)


@pytest.mark.slow
@pytest.mark.parametrize("code", STAGES)
def test_what_stands_too_long_wakes_somebody(
    app: Flask, make: Make, moment: Moment, client: Visitor, code: str
) -> None:
    (entry,) = (one for one in longest_times(app) if one.code == code)
    make.work()
    STAGES[code](Stage(make, moment, moment.sandbox))

    def let_pass(by: timedelta) -> None:
        if entry.is_machine_time:
            age(by)
        else:
            moment.advance(seconds=by.total_seconds())

    let_pass(entry.longest - MARGIN)
    before = reasons(client)
    let_pass(2 * MARGIN)

    assert code not in before
    assert code in reasons(client)


def test_an_alert_has_one_meaning(app: Flask) -> None:
    twice = LongestTime("mail_late", "", sa.true(), since=(), longest=timedelta(0))

    with pytest.raises(AssertionError, match="mail_late"):
        register_longest_times(app, [twice])
