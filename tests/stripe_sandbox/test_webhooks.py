"""Webhooks: signed, retried for three days, and as unreliable as a test asks."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from stripe_sandbox.client import SandboxClient
from tests.stripe_sandbox.listening import SECRET, Listener, listening
from tests.stripe_sandbox.purchases import DAY, refund
from tests.stripe_sandbox.stories import pay, ready_account, top_up


@pytest.fixture
def listener(sandbox: SandboxClient) -> Iterator[Listener]:
    """Listen to this test's account, whose webhooks leave only when the test says so."""
    sandbox.post("/_sandbox/settings", webhooks={"paused": True})
    with listening() as found:
        sandbox.add_webhook_endpoint(found.url, secret=SECRET)
        yield found


def knobs(sandbox: SandboxClient, **chosen: Any) -> None:
    sandbox.post("/_sandbox/settings", webhooks=chosen)


def wait_for(listener: Listener, count: int) -> None:
    """Wait until so many events have come by themselves."""
    end = time.monotonic() + 10
    while len(listener.events) < count and time.monotonic() < end:
        time.sleep(0.01)
    assert len(listener.events) == count


def test_events_arrive_signed_and_in_order(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    charge = pay(api, 50_00, "pm_card_bypassPending")
    refund(api, charge, 10_00)

    assert sandbox.deliver_webhooks() == {"delivered": 5, "failed": 0, "dropped": 0}

    assert listener.types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
    ]
    succeeded = listener.events[1]
    assert succeeded.data.object.id == charge.id
    fetched = api.v1.events.retrieve(succeeded.id)
    assert (fetched.type, fetched.pending_webhooks) == ("charge.succeeded", 0)


def test_an_event_shows_the_object_as_it_was(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    charge = pay(api, 50_00, "pm_card_bypassPending")
    refund(api, charge, 10_00)
    refund(api, charge, 10_00)

    sandbox.deliver_webhooks()

    refunded = [event for event in listener.events if event.type == "charge.refunded"]
    assert [event.data.object.amount_refunded for event in refunded] == [10_00, 20_00]


def test_the_signature_keeps_real_time_while_business_time_runs_ahead(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    sandbox.advance(300 * DAY)
    api.v1.customers.create()

    sandbox.deliver_webhooks()

    assert listener.types() == ["customer.created"]  # construct_event tolerates 300 seconds
    assert listener.events[0].created > time.time() + 299 * DAY


def test_only_the_events_asked_for_arrive(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    sandbox.post(
        "/_sandbox/webhook_endpoints",
        url=listener.url,
        secret=SECRET,
        enabled_events=["charge.succeeded"],
    )
    pay(api, 50_00)

    sandbox.deliver_webhooks()

    assert listener.types() == ["charge.succeeded"]


def test_a_refused_webhook_is_tried_again_until_it_is_taken(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    listener.statuses = [500, 503]
    api.v1.customers.create()

    assert sandbox.deliver_webhooks()["failed"] == 1
    assert sandbox.deliver_webhooks()["failed"] == 1
    assert sandbox.deliver_webhooks()["delivered"] == 1
    assert sandbox.deliver_webhooks()["delivered"] == 0

    assert listener.types() == ["customer.created"]


def test_retries_come_by_themselves_as_time_passes_and_end_after_three_days(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    listener.statuses = [500] * 100
    knobs(sandbox, paused=False)
    api.v1.customers.create()

    for _ in range(30):
        sandbox.advance(36_001)
        sandbox.deliver_webhooks()

    (delivery,) = sandbox.get("/_sandbox/webhooks")["deliveries"]
    assert delivery["state"] == "failed"
    assert 6 < delivery["attempts"] < 20
    assert delivery["last_status"] == 500


@pytest.mark.parametrize(("knob", "distinct"), [("delivery", 1), ("event", 2)])
def test_a_fact_may_be_told_twice(
    api: stripe.StripeClient,
    sandbox: SandboxClient,
    listener: Listener,
    knob: str,
    distinct: int,
) -> None:
    knobs(sandbox, duplicate=knob)
    customer = api.v1.customers.create()

    sandbox.deliver_webhooks()

    assert listener.types() == ["customer.created"] * 2
    assert len({event.id for event in listener.events}) == distinct
    assert {event.data.object.id for event in listener.events} == {customer.id}


def test_facts_may_come_in_the_wrong_order(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    knobs(sandbox, reorder=True)
    pay(api, 50_00)

    sandbox.deliver_webhooks()

    assert listener.types()[0] == "payment_intent.succeeded"
    assert listener.types()[-1] == "payment_intent.created"


def test_facts_may_never_come(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    knobs(sandbox, drop=2)
    pay(api, 50_00)

    assert sandbox.deliver_webhooks() == {"delivered": 1, "failed": 0, "dropped": 2}

    assert listener.types() == ["payment_intent.succeeded"]
    assert len(api.v1.events.list().data) == 3


def test_facts_may_come_late(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    knobs(sandbox, paused=False, delay_seconds=3600)
    api.v1.customers.create()
    time.sleep(0.5)
    assert listener.events == []

    sandbox.advance(3600)

    wait_for(listener, 1)


def test_webhooks_leave_by_themselves(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    knobs(sandbox, paused=False)

    pay(api, 50_00)

    wait_for(listener, 3)


def test_a_webhook_may_overtake_the_answer_and_call_back(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    charge = pay(api, 50_00, "pm_card_bypassPending")
    sandbox.deliver_webhooks()
    seen: list[str | None] = []
    answered: list[str] = []

    def look(event: stripe.Event) -> None:
        if event.type == "refund.created":
            assert not answered
            seen.append(api.v1.refunds.retrieve(event.data.object.id).status)

    listener.on_event = look
    knobs(sandbox, paused=False, before_response=True)

    answered.append(refund(api, charge, 10_00).id)

    assert seen == ["succeeded"]


def test_the_accounts_of_others_are_heard_at_connect_endpoints_only(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    account = ready_account(api, sandbox)
    sandbox.deliver_webhooks()
    assert {getattr(event, "account", None) for event in listener.events} <= {None}
    sandbox.add_webhook_endpoint(listener.url, secret=SECRET, connect=True)

    sandbox.restrict(account)
    top_up(api, 50_00)
    sandbox.deliver_webhooks()

    heard = {(event.type, getattr(event, "account", None)) for event in listener.events}
    assert ("topup.succeeded", None) in heard
    assert ("account.updated", account) in heard
    assert ("account.updated", None) not in heard


def test_an_endpoint_made_by_the_api_has_a_secret_told_once(
    api: stripe.StripeClient, listener: Listener
) -> None:
    made = api.v1.webhook_endpoints.create(
        {"url": "https://octo.example/hook", "enabled_events": ["*"]}
    )

    assert str(made.secret).startswith("whsec_")
    assert "secret" not in api.v1.webhook_endpoints.retrieve(made.id)
    assert api.v1.webhook_endpoints.delete(made.id).deleted
    assert [one.url for one in api.v1.webhook_endpoints.list().data] == [listener.url]


def test_a_deleted_endpoint_hears_nothing(
    api: stripe.StripeClient, sandbox: SandboxClient, listener: Listener
) -> None:
    api.v1.customers.create()
    (endpoint,) = api.v1.webhook_endpoints.list().data
    api.v1.webhook_endpoints.delete(endpoint.id)

    sandbox.deliver_webhooks()

    assert listener.events == []
