"""A saved card is charged and nobody knows what came of it: once in the end, or not at all."""

import time
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Collection, Outcome, Pledge, PledgeStatus
from octo.database import db, transaction
from octo.worker import run_due
from payments.accounting import chart
from payments.accounting.check import check_ledger
from payments.gateway.engine import Engine
from payments.gateway.runtime import payments_runtime
from payments.ledger.balances import balance_of
from payments.models import (
    OPEN_ATTEMPTS,
    Attempt,
    AttemptKind,
    AttemptStatus,
    Freeze,
    Payment,
    PaymentStatus,
    Refund,
    RefundReason,
)
from payments.settlement.unfreeze import lift_freeze
from stripe_sandbox.client import VISA, SandboxClient
from tests.faults.finishing import PATIENCE_SECONDS, let_pauses_pass
from tests.faults.judging import keys_of
from tests.make import Make
from tests.moment import Moment
from tests.octo.mail.mailbox import Mailbox
from tests.payments.gateway.test_unknown_outcomes import pretend_sent_long_ago
from tests.visitor import Visitor

FOR_EVER: Final = 0
DECLINED_LATER: Final = "4000000000000341"
CREATE: Final = "/v1/payment_intents"
CONFIRM: Final = "/v1/payment_intents/*/confirm"
CANCEL: Final = "/v1/payment_intents/*/cancel"
ACTIONS: Final = (
    "drop_before",
    "drop_after",
    "error_before",
    "error_after",
    "rate_limited",
    "conflict",
)


def reached(make: Make, moment: Moment, *, card: str = VISA) -> tuple[Campaign, Pledge]:
    """Reach a goal of 50 € on saved cards, with one pledge of 31 € to look at."""
    campaign = make.live_campaign(goal=50_00, days=20, collection=Collection.ON_SUCCESS)
    make.pledge(campaign, 60_00)
    pledge = make.pledge(campaign, 30_00, tip=1_00, card=card)
    moment.advance(days=20, seconds=1)
    return campaign, pledge


def work_until_known(make: Make) -> None:
    """Work until no call is without an outcome."""
    end = time.monotonic() + PATIENCE_SECONDS
    is_open = sa.select(Attempt.id).where(Attempt.status.in_(OPEN_ATTEMPTS)).limit(1)
    make.work()
    while db.session.scalar(is_open) is not None:
        assert time.monotonic() < end, "something never came to its end"
        let_pauses_pass(make)
        make.work()


def paid_at_stripe(sandbox: SandboxClient) -> list[int]:
    return sorted(one["amount"] for one in sandbox.every("/v1/charges") if one["paid"])


def confirmed_keys(sandbox: SandboxClient) -> list[str]:
    return [
        one["idempotency_key"] for one in sandbox.requests() if one["path"].endswith("/confirm")
    ]


def assert_collected_once(campaign: Campaign, sandbox: SandboxClient) -> None:
    db.session.expire_all()
    assert db.session.get_one(Campaign, campaign.id).outcome is Outcome.SUCCEEDED
    assert paid_at_stripe(sandbox) == [31_00, 60_00]
    assert balance_of(chart.campaign_funds(campaign)) == 0
    assert check_ledger(db.session()).faults == ()


@pytest.mark.slow
@pytest.mark.parametrize("action", ACTIONS)
def test_a_charge_whose_answers_are_lost_is_made_once_under_one_key_a_call(
    make: Make, moment: Moment, sandbox: SandboxClient, action: str
) -> None:
    campaign, _ = reached(make, moment)
    for path in (CREATE, CONFIRM):
        sandbox.fault(method="POST", path=path, action=action, times=2)

    work_until_known(make)

    assert_collected_once(campaign, sandbox)
    assert len(sandbox.every(CREATE)) == 2
    assert len(set(keys_of(sandbox, CREATE))) == 2
    assert len(set(confirmed_keys(sandbox))) == 2


@pytest.mark.slow
@pytest.mark.parametrize("action", ["drop_after", "drop_before"])
@pytest.mark.parametrize("kind", [AttemptKind.INTENT_CREATE, AttemptKind.INTENT_CONFIRM])
def test_a_key_stripe_may_have_forgotten_is_looked_up_before_anything_is_sent(
    make: Make, moment: Moment, sandbox: SandboxClient, kind: AttemptKind, action: str
) -> None:
    campaign, _ = reached(make, moment)
    path = CREATE if kind is AttemptKind.INTENT_CREATE else CONFIRM
    sandbox.fault(method="POST", path=path, action=action, times=0)
    make.work()
    pretend_sent_long_ago(kind, ago=timedelta(hours=25))
    sandbox.clear_faults()

    work_until_known(make)

    assert_collected_once(campaign, sandbox)
    assert len(sandbox.every(CREATE)) == 2
    sent = [*keys_of(sandbox, CREATE), *confirmed_keys(sandbox)]
    tried_anew = [key for key in sent if key.endswith(":2")]
    assert len(tried_anew) == (2 if action == "drop_before" else 0)


def test_a_worker_that_dies_between_the_intent_and_its_confirmation_is_taken_over(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, _ = reached(make, moment)

    class DeadError(BaseException):
        """The process is gone: nothing catches this."""

    def die(*_: object, **__: object) -> None:
        raise DeadError

    monkeypatch.setattr(Engine, "_write_down", die)
    with pytest.raises(DeadError):
        run_due(app)
    monkeypatch.undo()
    db.session.rollback()
    assert len(sandbox.every(CREATE)) == 2
    assert paid_at_stripe(sandbox) == []
    with transaction() as session:  # the leases of the dead end by themselves
        session.execute(
            sa.update(Attempt)
            .where(Attempt.status == AttemptStatus.SENT)
            .values(lease_until=Attempt.created_at)
        )

    work_until_known(make)

    assert_collected_once(campaign, sandbox)
    assert len(sandbox.every(CREATE)) == 2


def test_a_decline_whose_answer_was_lost_is_told_once(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    _, pledge = reached(make, moment, card=DECLINED_LATER)
    sandbox.fault(method="POST", path=CONFIRM, action="drop_after", times=2)

    for _ in range(3):
        make.work()

    assert make.payment(pledge).failure_code == "generic_decline"
    told = [mail.template for mail in Mailbox(app).to(pledge.email)]
    assert told == ["card_saved", "payment_problem"]
    assert paid_at_stripe(sandbox) == [60_00]


def test_a_repair_waits_until_the_first_charge_is_known(
    app: Flask, client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, pledge = reached(make, moment, card=DECLINED_LATER)
    sandbox.fault(method="POST", path=CANCEL, action="drop_before", times=FOR_EVER)
    make.work()
    receipt = Mailbox(app).link_to(pledge.email, "/pledges/")

    early = client.submit(receipt, form="/repair", follow=False)
    assert early.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert sandbox.every("/v1/checkout/sessions", status="open") == []

    sandbox.clear_faults()
    work_until_known(make)
    client.submit(receipt, form="/repair", follow=False)
    (page,) = sandbox.every("/v1/checkout/sessions", status="open")
    sandbox.pay(page["id"])
    client.get(receipt)
    work_until_known(make)

    assert_collected_once(campaign, sandbox)


def test_while_the_first_charge_is_unknown_there_is_nothing_to_repair(
    app: Flask, client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, pledge = reached(make, moment)
    receipt = Mailbox(app).link_to(pledge.email, "/pledges/")
    sandbox.fault(method="POST", path=CONFIRM, action="drop_before", times=FOR_EVER)
    make.work()
    assert make.payment(pledge).status is PaymentStatus.PENDING

    shown = client.get(receipt).text
    sandbox.clear_faults()
    work_until_known(make)

    assert f"{receipt}/repair" not in shown
    assert_collected_once(campaign, sandbox)


def test_of_two_charges_that_both_succeed_one_counts_and_the_other_goes_back(
    app: Flask, client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign, pledge = reached(make, moment, card=DECLINED_LATER)
    sandbox.fault(method="POST", path=CANCEL, action="drop_before", times=FOR_EVER)
    make.work()
    with transaction() as session:  # a database that believes the intent is ended
        session.execute(
            sa.update(Attempt)
            .where(Attempt.kind == AttemptKind.INTENT_CANCEL)
            .values(status=AttemptStatus.DONE, closed_at=Attempt.created_at)
        )
    receipt = Mailbox(app).link_to(pledge.email, "/pledges/")
    client.submit(receipt, form="/repair", follow=False)
    (page,) = sandbox.every("/v1/checkout/sessions", status="open")

    first = make.payments(pledge)[0].stripe_payment_intent_id
    sandbox.call_stripe(f"/v1/payment_intents/{first}/confirm", payment_method="pm_card_visa")
    sandbox.pay(page["id"])
    for _ in range(3):
        make.work()

    assert paid_at_stripe(sandbox) == [31_00, 31_00, 60_00]
    refund = db.session.scalars(sa.select(Refund)).one()
    assert (refund.reason, refund.amount) == (RefundReason.PAID_TWICE, 31_00)
    assert [one["amount"] for one in sandbox.every("/v1/refunds")] == [31_00]
    assert sorted(one.is_late for one in make.payments(pledge)) == [False, True]
    assert db.session.get_one(Pledge, pledge.id).status is PledgeStatus.COLLECTED
    assert db.session.get_one(Campaign, campaign.id).pledged_amount == 90_00
    assert check_ledger(db.session()).faults == ()


@pytest.mark.both_engines
def test_the_database_refuses_two_payments_under_way_two_that_count_and_a_card_charged_twice(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    _, pledge = reached(make, moment)
    make.work()
    known = make.payment(pledge)
    values = {
        column.name: getattr(known, column.name)
        for column in Payment.__table__.columns
        if column.name != "id" and not column.name.startswith("stripe_")
    }
    counted: dict[str, object] = {"stripe_charge_id": "ch_second"}
    pending: dict[str, object] = {"status": PaymentStatus.PENDING}
    same_card = pending | {"stripe_setup_intent_id": known.stripe_setup_intent_id}

    for rows in ([counted], [same_card], [pending, pending]):
        named = [values | row | {"public_id": f"pay_{n}"} for n, row in enumerate(rows)]
        with pytest.raises(sa.exc.IntegrityError), transaction() as session:
            session.execute(sa.insert(Payment), named)


def test_a_charge_refused_for_no_reason_of_the_card_freezes_and_is_asked_again(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign, pledge = reached(make, moment)
    sandbox.fault(
        method="POST", path=CONFIRM, action="error_before", status=400, saved=True, times=2
    )
    make.work()
    assert db.session.scalars(sa.select(Freeze.campaign_id)).all() == [campaign.id]
    assert make.payment(pledge).status is PaymentStatus.PENDING
    moment.advance(days=9)
    make.work()
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.COLLECTING
    assert db.session.get_one(Pledge, pledge.id).status is PledgeStatus.ACTIVE

    runtime = payments_runtime()
    lift_freeze(
        campaign.public_id,
        reason="Looked",
        actor="usr_test",
        settings=runtime.settings,
        clock=runtime.clock,
    )
    work_until_known(make)

    assert_collected_once(campaign, sandbox)


def test_a_card_taken_away_at_stripe_is_repaired_like_a_declined_one(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    _, pledge = reached(make, moment)
    card = make.card(pledge).stripe_payment_method_id
    sandbox.call_stripe(f"/v1/payment_methods/{card}/detach")

    make.work()

    assert make.payment(pledge).failure_code == "card_unusable"
    assert [mail.template for mail in Mailbox(app).to(pledge.email)][-1] == "payment_problem"
    assert db.session.scalars(sa.select(Freeze.id)).all() == []
