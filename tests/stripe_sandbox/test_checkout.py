"""Checkout Sessions: opened, paid, refused, expired, each heard of by its events."""

from typing import Any

import pytest
import stripe

from stripe_sandbox.client import SandboxClient, SandboxRefusedError
from tests.stripe_sandbox.purchases import BACK, DAY, intent_of, metadata_of, open_checkout
from tests.stripe_sandbox.stories import event_types, pending


def test_a_session_has_no_intent_until_somebody_pays(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    session = open_checkout(
        api,
        15_00,
        client_reference_id="plg_1",
        metadata={"attempt": "att_1"},
        payment_intent_data={"transfer_group": "cmp_1", "metadata": {"pledge": "plg_1"}},
    )
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert session.payment_intent is None
    assert session.url is not None
    assert session.url.startswith(f"{sandbox.url}/c/pay/acct_")
    assert (session.amount_total, session.currency) == (15_00, "eur")

    answer = sandbox.pay(session.id)

    assert answer["success_url"] == f"https://octo.example/thanks?session={session.id}"
    seen = api.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert (seen.status, seen.payment_status, seen.url) == ("complete", "paid", None)
    assert (seen.client_reference_id, metadata_of(seen)) == ("plg_1", {"attempt": "att_1"})
    assert seen.line_items is not None
    assert [item.amount_total for item in seen.line_items.data] == [15_00]
    charge = intent_of(api, session.id).latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.transfer_group, metadata_of(charge)) == ("cmp_1", {"pledge": "plg_1"})
    assert event_types(api) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_a_declined_card_leaves_the_session_open_for_another(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    session = open_checkout(api)

    refused = sandbox.pay(session.id, card="4000000000009995")
    assert refused["error"]["decline_code"] == "insufficient_funds"
    assert refused["session"]["status"] == "open"
    intent = intent_of(api, session.id)
    assert intent.status == "requires_payment_method"

    paid = sandbox.pay(session.id)

    assert paid["error"] is None
    assert intent_of(api, session.id).id == intent.id
    assert [charge.paid for charge in api.v1.charges.list().data] == [True, False]


@pytest.mark.parametrize(
    ("outcome", "status", "taken"), [("complete", "complete", True), ("fail", "open", False)]
)
def test_three_d_secure_decides(
    api: stripe.StripeClient, sandbox: SandboxClient, outcome: str, status: str, taken: bool
) -> None:
    session = open_checkout(api)

    answer = sandbox.pay(session.id, card="4000002760003184", three_d_secure=outcome)

    assert answer["session"]["status"] == status
    assert (pending(api) > 0) is taken
    if not taken:
        assert answer["error"]["code"] == "payment_intent_authentication_failure"
        assert intent_of(api, session.id).status == "requires_payment_method"


def test_three_d_secure_passed_and_the_card_still_refused(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    session = open_checkout(api)

    answer = sandbox.pay(session.id, card="4000008260003178", three_d_secure="complete")

    assert answer["error"]["decline_code"] == "insufficient_funds"
    assert answer["session"]["status"] == "open"


def test_a_session_is_paid_once(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    session = open_checkout(api)
    sandbox.pay(session.id)

    with pytest.raises(SandboxRefusedError, match="is complete"):
        sandbox.pay(session.id)

    assert len(api.v1.charges.list().data) == 1


def test_an_expired_session_takes_no_money(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    session = open_checkout(api)

    ended = api.v1.checkout.sessions.expire(session.id)

    assert (ended.status, ended.url) == ("expired", None)
    with pytest.raises(SandboxRefusedError, match="is expired"):
        sandbox.pay(session.id)
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        api.v1.checkout.sessions.expire(session.id)


def test_a_paid_session_cannot_be_expired(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    session = open_checkout(api)
    sandbox.pay(session.id)

    with pytest.raises(stripe.InvalidRequestError, match="status of complete"):
        api.v1.checkout.sessions.expire(session.id)


def test_a_session_expires_by_itself_and_its_intent_is_canceled(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    session = open_checkout(api, expires_at=sandbox.now() + 1800)
    sandbox.pay(session.id, card="4000000000000002")

    sandbox.advance(1801)

    assert api.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert intent_of(api, session.id).status == "canceled"
    ended = api.v1.events.list({"type": "checkout.session.expired"}).data
    assert [event.data.object.id for event in ended] == [session.id]
    assert ended[0].created == session.expires_at


@pytest.mark.parametrize("ahead", [1800 - 120, DAY + 120])
def test_an_expiry_too_near_or_too_far_is_refused(
    api: stripe.StripeClient, sandbox: SandboxClient, ahead: int
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        open_checkout(api, expires_at=sandbox.now() + ahead)

    assert refusal.value.param == "expires_at"


def test_the_intent_of_a_session_is_out_of_reach(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    session = open_checkout(api)
    sandbox.pay(session.id, card="4000000000000002")
    intent = intent_of(api, session.id)

    for step in (api.v1.payment_intents.confirm, api.v1.payment_intents.cancel):
        with pytest.raises(stripe.InvalidRequestError, match="Checkout Session"):
            step(intent.id)


def test_setup_saves_the_card_without_taking_money(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    customer = api.v1.customers.create().id
    session = api.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "customer": customer,
            "success_url": BACK,
            "currency": "eur",
            "setup_intent_data": {"metadata": {"pledge": "plg_1"}},
        }
    )
    assert session.setup_intent is not None

    sandbox.pay(session.id)

    seen = api.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert (seen.status, seen.payment_status) == ("complete", "no_payment_required")
    assert isinstance(seen.setup_intent, stripe.SetupIntent)
    assert (seen.setup_intent.status, seen.setup_intent.usage) == ("succeeded", "off_session")
    assert metadata_of(seen.setup_intent) == {"pledge": "plg_1"}
    methods = api.v1.customers.payment_methods.list(customer).data
    assert [method.id for method in methods] == [seen.setup_intent.payment_method]
    assert api.v1.charges.list().data == []


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"success_url": ""}, "success_url"),
        ({"success_url": "not a url"}, "success_url"),
        ({"mode": "gift"}, "mode"),
        ({"line_items": []}, "line_items"),
        ({"color": "red"}, "color"),
        ({"payment_intent_data": {"colour": "red"}}, "payment_intent_data[colour]"),
    ],
)
def test_a_wrong_session_names_its_parameter(
    api: stripe.StripeClient, change: dict[str, Any], param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        open_checkout(api, **change)

    assert refusal.value.param == param


def test_sessions_are_found_by_intent_status_and_customer(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    paid, still_open = open_checkout(api, customer_email="lea@octo.example"), open_checkout(api)
    sandbox.pay(paid.id)
    intent = intent_of(api, paid.id)

    def found(**filters: Any) -> list[str]:
        params: Any = filters
        return [session.id for session in api.v1.checkout.sessions.list(params).data]

    assert found(payment_intent=intent.id) == [paid.id]
    assert found(status="open") == [still_open.id]
    assert found(customer_details={"email": "lea@octo.example"}) == [paid.id]
