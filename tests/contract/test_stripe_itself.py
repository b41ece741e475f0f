"""What the engine stands on, asked of the sandbox always and of Stripe itself on demand.

Off by default for Stripe: set ``OCTO_STRIPE_TEST_KEY`` to a test key of a platform account with
Connect. The run leaves a few test objects there, and moves no money.
"""

import os
import time
import uuid
from collections.abc import Iterator

import pytest
import stripe

from tests.contract.recorder import RecordingClient
from tests.contract.sdk_routes import find_route
from tests.contract.sdk_types import Comparison, compare_answer
from tests.contract.tour import euros

KEY_NAME = "OCTO_STRIPE_TEST_KEY"
PLACES = ["sandbox", "stripe"]
PAGE = "https://octo.example/"
HALF_AN_HOUR = 30 * 60 + 30
OK = 200


@pytest.fixture
def recorder() -> RecordingClient:
    return RecordingClient()


@pytest.fixture(params=PLACES)
def api(request: pytest.FixtureRequest, recorder: RecordingClient) -> Iterator[stripe.StripeClient]:
    """Give the SDK, at the sandbox or at Stripe."""
    if request.param == "stripe":
        key = os.environ.get(KEY_NAME)
        if not key:
            pytest.skip(f"{KEY_NAME} is not set: Stripe itself is not asked")
        assert key.startswith(("sk_test_", "rk_test_")), "only a test key may be used"
        yield stripe.StripeClient(key, http_client=recorder, max_network_retries=1)
        return
    sandbox = request.getfixturevalue("sandbox")
    yield stripe.StripeClient(
        sandbox.key,
        base_addresses={"api": sandbox.url},
        http_client=recorder,
        max_network_retries=0,
    )


def pay(api: stripe.StripeClient, card: str = "pm_card_bypassPending") -> stripe.PaymentIntent:
    """Take 10 € without a redirect."""
    return api.v1.payment_intents.create(
        euros(
            10_00,
            payment_method=card,
            confirm=True,
            automatic_payment_methods={"enabled": True, "allow_redirects": "never"},
            expand=["latest_charge.balance_transaction"],
        )
    )


def fresh_key() -> str:
    return f"octo-contract-{uuid.uuid4()}"


def test_paid_charge_has_its_movement(api: stripe.StripeClient, recorder: RecordingClient) -> None:
    charge = pay(api).latest_charge

    assert isinstance(charge, stripe.Charge)
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    movement = charge.balance_transaction
    assert movement.net == movement.amount - movement.fee
    assert movement.reporting_category == "charge"
    assert_known_shapes(recorder)


def test_declined_card_is_a_card_error_with_its_reason(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as declined:
        pay(api, "pm_card_chargeDeclinedInsufficientFunds")

    assert declined.value.http_status == 402
    assert declined.value.code == "card_declined"
    assert declined.value.error is not None
    assert declined.value.error.decline_code == "insufficient_funds"


def test_refund_of_what_is_refunded_names_its_reason(
    api: stripe.StripeClient, recorder: RecordingClient
) -> None:
    intent = pay(api)
    api.v1.refunds.create({"payment_intent": intent.id, "metadata": {"octo_refund": "ref_1"}})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.refunds.create({"payment_intent": intent.id})

    assert refused.value.code == "charge_already_refunded"
    assert_known_shapes(recorder)


def test_saved_answer_comes_back_under_its_key(api: stripe.StripeClient) -> None:
    key = fresh_key()

    first, second = (
        api.v1.customers.create({"metadata": {"octo": "1"}}, {"idempotency_key": key})
        for _ in range(2)
    )

    assert first.id == second.id
    assert second.last_response is not None
    headers = {name.lower(): value for name, value in second.last_response.headers.items()}
    assert headers["idempotent-replayed"] == "true"


def test_key_with_other_parameters_is_refused(api: stripe.StripeClient) -> None:
    key = fresh_key()
    api.v1.customers.create({"metadata": {"octo": "1"}}, {"idempotency_key": key})

    with pytest.raises(stripe.IdempotencyError):
        api.v1.customers.create({"metadata": {"octo": "2"}}, {"idempotency_key": key})


def test_transfer_beyond_the_balance_is_refused(
    api: stripe.StripeClient, recorder: RecordingClient
) -> None:
    account = api.v2.core.accounts.create(
        {
            "display_name": "Octo contract run",
            "contact_email": "contract@octo.example",
            "dashboard": "express",
            "identity": {"country": "fr", "entity_type": "individual"},
            "defaults": {
                "responsibilities": {
                    "fees_collector": "application",
                    "losses_collector": "application",
                }
            },
            "configuration": {
                "recipient": {
                    "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
                }
            },
            "include": ["configuration.recipient", "requirements"],
        }
    )

    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.transfers.create(euros(100_00, destination=account.id))

    assert refused.value.code == "insufficient_capabilities_for_transfer"
    assert_known_shapes(recorder)


def test_expired_checkout_is_expired_once(
    api: stripe.StripeClient, recorder: RecordingClient
) -> None:
    session = api.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": PAGE,
            "cancel_url": PAGE,
            "expires_at": int(time.time()) + HALF_AN_HOUR,
            "line_items": [
                {
                    "price_data": {
                        "currency": "eur",
                        "unit_amount": 15_00,
                        "product_data": {"name": "Un panier"},
                    },
                    "quantity": 1,
                }
            ],
        }
    )
    assert api.v1.checkout.sessions.expire(session.id).status == "expired"

    with pytest.raises(stripe.InvalidRequestError):
        api.v1.checkout.sessions.expire(session.id)
    assert_known_shapes(recorder)


@pytest.mark.parametrize("kind", ["charges", "refunds", "transfers", "disputes"])
def test_unknown_object_is_not_found(api: stripe.StripeClient, kind: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        getattr(api.v1, kind).retrieve("xx_octo_none")

    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


def assert_known_shapes(recorder: RecordingClient) -> None:
    """Check that what came back has the fields and types of the SDK, wherever it came from."""
    comparison = Comparison()
    for exchange in recorder.exchanges:
        route = find_route(exchange.method, exchange.path)
        if exchange.status == OK and route is not None:
            compare_answer(route, exchange.answer, comparison)
    assert comparison.object_count
    assert comparison.mismatches == []
