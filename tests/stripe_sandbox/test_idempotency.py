"""An idempotency key gives back the answer it was first given, whatever that was."""

import threading
import time
from typing import Any

import pytest
import stripe

from stripe_sandbox.client import SandboxClient
from tests.stripe_sandbox.purchases import DAY, refund
from tests.stripe_sandbox.stories import available, pay

BYPASS = "pm_card_bypassPending"


def test_same_key_refunds_once(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    charge = pay(api, 50_00, BYPASS)

    first, second = (
        api.v1.refunds.create({"charge": charge.id, "amount": 20_00}, {"idempotency_key": "k"})
        for _ in range(2)
    )

    assert first.id == second.id
    assert second.last_response is not None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert first.last_response is not None
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert available(api) == 49_00 - 20_00
    assert [request["replayed"] for request in sandbox.requests()][-3:-1] == [False, True]


def test_two_keys_refund_twice(api: stripe.StripeClient) -> None:
    charge = pay(api, 50_00, BYPASS)

    for key in ("k1", "k2"):
        api.v1.refunds.create({"charge": charge.id, "amount": 20_00}, {"idempotency_key": key})

    assert api.v1.charges.retrieve(charge.id).amount_refunded == 40_00


def test_other_parameters_under_a_used_key_are_refused(api: stripe.StripeClient) -> None:
    charge = pay(api, 50_00, BYPASS)
    api.v1.refunds.create({"charge": charge.id, "amount": 20_00}, {"idempotency_key": "k"})

    with pytest.raises(stripe.IdempotencyError) as refusal:
        api.v1.refunds.create({"charge": charge.id, "amount": 21_00}, {"idempotency_key": "k"})

    assert refusal.value.http_status == 400
    assert refusal.value.error is not None
    assert refusal.value.error.type == "idempotency_error"
    assert api.v1.charges.retrieve(charge.id).amount_refunded == 20_00


def test_another_endpoint_under_a_used_key_is_refused(api: stripe.StripeClient) -> None:
    api.v1.customers.create({}, {"idempotency_key": "k"})

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        api.v1.topups.create({"amount": 10_00, "currency": "eur"}, {"idempotency_key": "k"})


def test_a_refusal_is_remembered_even_when_its_cause_is_gone(api: stripe.StripeClient) -> None:
    charge = pay(api, 50_00, BYPASS)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.refunds.create({"charge": charge.id, "amount": 60_00}, {"idempotency_key": "k"})

    with pytest.raises(stripe.InvalidRequestError) as again:
        api.v1.refunds.create({"charge": charge.id, "amount": 60_00}, {"idempotency_key": "k"})

    assert again.value.headers is not None
    assert again.value.headers["Idempotent-Replayed"] == "true"


def test_a_declined_card_is_replayed_as_the_same_decline(api: stripe.StripeClient) -> None:
    declined: Any = {
        "amount": 10_00,
        "currency": "eur",
        "payment_method": "pm_card_chargeDeclined",
        "confirm": True,
    }

    for _ in range(2):
        with pytest.raises(stripe.CardError):
            api.v1.payment_intents.create(declined, {"idempotency_key": "k"})

    assert len(api.v1.charges.list().data) == 1


def test_what_was_refused_before_any_work_is_not_remembered(api: stripe.StripeClient) -> None:
    bad: Any = {"amount": "ten", "currency": "eur"}
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.topups.create(bad, {"idempotency_key": "k"})

    api.v1.topups.create({"amount": 10_00, "currency": "eur"}, {"idempotency_key": "k"})

    assert available(api) == 10_00


def test_a_key_is_forgotten_after_a_day_and_then_acts_again(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    top_up: Any = {"amount": 10_00, "currency": "eur"}
    api.v1.topups.create(top_up, {"idempotency_key": "k"})

    sandbox.advance(DAY - 60)
    api.v1.topups.create(top_up, {"idempotency_key": "k"})
    assert available(api) == 10_00

    sandbox.advance(61)
    api.v1.topups.create(top_up, {"idempotency_key": "k"})
    assert available(api) == 20_00


def test_a_key_in_progress_is_refused_with_409(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    charge = pay(api, 50_00, BYPASS)
    sandbox.fault(path="/v1/refunds", action="latency", milliseconds=600, times=1)
    answers: list[stripe.Refund] = []
    slow = threading.Thread(
        target=lambda: answers.append(
            api.v1.refunds.create({"charge": charge.id, "amount": 20_00}, {"idempotency_key": "k"})
        )
    )
    slow.start()
    while not sandbox.get("/_sandbox/faults")["faults"][0]["calls"]:
        pass
    time.sleep(0.1)  # the slow one has been received, and holds the key by now

    with pytest.raises(stripe.APIError) as refusal:
        api.v1.refunds.create({"charge": charge.id, "amount": 20_00}, {"idempotency_key": "k"})

    assert refusal.value.http_status == 409
    assert refusal.value.error is not None
    assert refusal.value.error.code == "idempotency_key_in_use"
    slow.join()
    assert answers[0].status == "succeeded"
    assert api.v1.charges.retrieve(charge.id).amount_refunded == 20_00


def test_keys_of_two_platforms_do_not_meet(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    other = stripe.StripeClient(
        f"{sandbox.key}other", base_addresses={"api": sandbox.url}, max_network_retries=0
    )

    for client, amount in ((api, 10_00), (other, 20_00)):
        client.v1.topups.create({"amount": amount, "currency": "eur"}, {"idempotency_key": "k"})

    assert (available(api), available(other)) == (10_00, 20_00)


def test_forty_threads_with_one_key_refund_once(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    charge = pay(api, 50_00, BYPASS)
    statuses: list[int | None] = []

    def ask() -> None:
        try:
            api.v1.refunds.create({"charge": charge.id, "amount": 1_00}, {"idempotency_key": "k"})
            statuses.append(200)
        except stripe.StripeError as refusal:
            statuses.append(refusal.http_status)

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert api.v1.charges.retrieve(charge.id).amount_refunded == 1_00


def test_a_raced_charge_is_never_refunded_beyond_its_amount(api: stripe.StripeClient) -> None:
    charge = pay(api, 50_00, BYPASS)
    outcomes: list[str] = []

    def ask() -> None:
        try:
            outcomes.append(str(refund(api, charge, 20_00).status))
        except stripe.InvalidRequestError:
            outcomes.append("refused")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["refused"] * 6 + ["succeeded"] * 2
