"""Webhooks: verified, stored once, answered; handled later, whatever their order."""

import json
import time
from typing import Any

import pytest
import sqlalchemy as sa
import stripe
from flask.testing import FlaskClient

from campaigns.models import Campaign, Pledge, PledgeStatus
from octo.database import db, transaction
from payments.gateway.runtime import payments_runtime
from payments.models import InboxEvent, InboxStatus, Payment, Refund, RefundStatus
from payments.webhooks.inbox import handle_inbox
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment
from tests.site import WEBHOOK_SECRET
from tests.visitor import refresh

OTHER_SECRET = "whsec_the_one_before"

pytestmark = pytest.mark.both_engines


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "STRIPE_WEBHOOK_SECRET": f"{WEBHOOK_SECRET},{OTHER_SECRET}"}


def event(
    kind: str = "charge.succeeded", subject: str = "ch_nobody", **more: Any
) -> dict[str, Any]:
    return {
        "id": f"evt_{time.monotonic_ns()}",
        "object": "event",
        "type": kind,
        "livemode": False,
        "data": {"object": {"id": subject}},
        **more,
    }


def deliver(
    client: FlaskClient,
    sent: dict[str, Any] | str,
    *,
    secret: str = WEBHOOK_SECRET,
    age: int = 0,
) -> int:
    payload = sent if isinstance(sent, str) else json.dumps(sent)
    stamp = int(time.time()) - age
    signature = stripe.WebhookSignature._compute_signature(f"{stamp}.{payload}", secret)
    response = client.post(
        "/webhooks/stripe",
        data=payload,
        headers={"Stripe-Signature": f"t={stamp},v1={signature}"},
        content_type="application/json",
    )
    return response.status_code


def kept() -> list[InboxEvent]:
    refresh()
    return list(db.session.scalars(sa.select(InboxEvent).order_by(InboxEvent.id)))


def handle() -> None:
    runtime = payments_runtime()
    handle_inbox(gateway=runtime.gateway, settings=runtime.settings, clock=runtime.clock)
    refresh()


@pytest.mark.parametrize("secret", [WEBHOOK_SECRET, OTHER_SECRET])
def test_an_event_signed_with_any_secret_in_force_is_kept(client: FlaskClient, secret: str) -> None:
    assert deliver(client, event(), secret=secret) == 200

    assert [one.status for one in kept()] == [InboxStatus.RECEIVED]


@pytest.mark.fault("F12")
@pytest.mark.parametrize(
    ("sent", "secret", "age"),
    [
        (event(), "whsec_forged", 0),
        (event(), WEBHOOK_SECRET, 301),
        ("not json", WEBHOOK_SECRET, 0),
        ("[]", WEBHOOK_SECRET, 0),
        ('{"id": 12}', WEBHOOK_SECRET, 0),
    ],
)
def test_what_stripe_did_not_sign_now_changes_nothing(
    client: FlaskClient, sent: dict[str, Any] | str, secret: str, age: int
) -> None:
    assert deliver(client, sent, secret=secret, age=age) == 400

    assert kept() == []


@pytest.mark.fault("F12")
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=1,v1=é",
        "é",
        "t=é,v1=0",
        f"t={'9' * 5000},v1=0",
        "t=-1,v1=0",
        "t=1",
        "v1=0",
        ",=",
    ],
)
def test_an_event_with_no_signature_or_a_strange_one_is_refused(
    client: FlaskClient, header: str | None
) -> None:
    headers = {} if header is None else {"Stripe-Signature": header.encode().decode("latin-1")}

    answer = client.post("/webhooks/stripe", data=json.dumps(event()), headers=headers)

    assert answer.status_code == 400
    assert kept() == []


@pytest.mark.fault("F12")
def test_a_signed_event_nested_too_deep_is_refused(client: FlaskClient) -> None:
    assert deliver(client, "[" * 100_000 + "]" * 100_000) == 400


@pytest.mark.fault("F12")
def test_an_event_of_a_megabyte_is_refused(client: FlaskClient) -> None:
    assert deliver(client, event(padding="x" * 1_000_001)) == 413

    assert kept() == []


def test_an_event_of_the_other_mode_is_answered_and_ignored(client: FlaskClient) -> None:
    assert deliver(client, event(livemode=True)) == 200

    handle()

    assert [one.status for one in kept()] == [InboxStatus.IGNORED]


@pytest.mark.fault("F9")
def test_the_same_event_fifty_times_is_kept_once(client: FlaskClient) -> None:
    sent = event()

    assert {deliver(client, sent) for _ in range(50)} == {200}

    assert len(kept()) == 1


def test_an_object_nobody_knows_yet_parks_its_event_and_is_replayed(
    client: FlaskClient, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()
    pledge = make.pending_pledge(campaign, 15_00)
    session_id = make.open_checkout(pledge)
    sandbox.pay(session_id)
    with transaction() as session:
        payment = session.scalars(sa.select(Payment)).one()
        known_as, payment.public_id = payment.public_id, "pay_nobody_knows_yet"
        payment.stripe_checkout_session_id = None
    deliver(client, event("checkout.session.completed", session_id))

    handle()

    assert [one.status for one in kept()] == [InboxStatus.PARKED]
    with transaction() as session:
        payment = session.scalars(sa.select(Payment)).one()
        payment.public_id = known_as
        for one in session.scalars(sa.select(InboxEvent)):
            one.not_before = one.received_at

    handle()

    assert [one.status for one in kept()] == [InboxStatus.HANDLED]
    assert db.session.get_one(Pledge, pledge.id).status is PledgeStatus.ACTIVE


@pytest.mark.fault("F10")
def test_events_in_any_order_and_twice_lead_to_the_same_end(
    client: FlaskClient, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()
    pledge = make.pending_pledge(campaign, 15_00)
    sandbox.pay(make.open_checkout(pledge))
    events = sandbox.every("/v1/events")
    assert len(events) > 2

    for one in [*events, *reversed(events)]:
        assert deliver(client, one) == 200
        handle()

    assert db.session.get_one(Campaign, campaign.id).pledged_amount == 15_00
    assert db.session.get_one(Pledge, pledge.id).status is PledgeStatus.ACTIVE
    assert all(one.status is not InboxStatus.RECEIVED for one in kept())


def test_events_of_our_own_refunds_ask_nothing_and_what_they_do_not_know_is_asked(
    client: FlaskClient, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=5_000_00, days=20)
    fails_later = make.payment(make.pledge(campaign, 15_00, card="4000000000005126"))
    make.pledge(campaign, 25_00)
    moment.advance(days=21)
    make.work()
    told = [one for one in sandbox.every("/v1/events") if "refund" in one["type"]]
    assert {one["type"] for one in told} >= {"charge.refunded", "refund.created"}
    told = [one | {"id": f"again_{one['id']}"} for one in told]

    before = len(sandbox.requests())
    assert [deliver(client, one) for one in told] == [200] * len(told)
    handle()

    assert sandbox.requests()[before:] == []
    assert {one.status for one in kept()} <= {InboxStatus.HANDLED, InboxStatus.IGNORED}

    moment.advance(days=3)
    failed = [one for one in sandbox.every("/v1/events") if one["type"] == "refund.failed"]
    assert [deliver(client, one) for one in failed] == [200]
    handle()

    states = dict(db.session.execute(sa.select(Refund.payment_id, Refund.status)).all())
    assert states[fails_later.id] is RefundStatus.FAILED


@pytest.mark.parametrize(
    ("kind", "differs"),
    [
        ("refund.created", {"balance_transaction": "txn_unknown"}),
        ("refund.created", {"status": "failed"}),
        ("refund.created", {"amount": 14_00}),
        ("charge.refunded", {"amount_refunded": 14_00}),
    ],
)
def test_an_event_that_differs_from_what_is_known_asks_stripe_and_changes_nothing_by_itself(
    client: FlaskClient, make: Make, sandbox: SandboxClient, kind: str, differs: dict[str, Any]
) -> None:
    sandbox.top_up(100_00)
    make.pledge(make.live_campaign(goal=5_000_00, days=20), 15_00)
    make.moment.advance(days=21)
    make.work()
    [told] = [one for one in sandbox.every("/v1/events") if one["type"] == kind]
    about = told["data"]["object"] | differs

    before = len(sandbox.requests())
    deliver(client, event(kind) | {"data": {"object": about}})
    handle()

    assert [one for one in sandbox.requests()[before:] if about["id"] in one["path"]]
    [refund] = db.session.scalars(sa.select(Refund))
    assert (refund.status, refund.amount) == (RefundStatus.SUCCEEDED, 15_00)


def test_a_jump_of_45_days_breaks_no_webhook_signature(client: FlaskClient, moment: Moment) -> None:
    moment.advance(days=45)

    assert deliver(client, event()) == 200
