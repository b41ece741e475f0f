"""Faults: what a test asks to go wrong goes wrong there, once, and nowhere else."""

import time
from collections.abc import Callable

import pytest
import stripe

from stripe_sandbox.client import SandboxClient
from tests.stripe_sandbox.stories import available, top_up

TOP_UP: stripe.params.TopupCreateParams = {"amount": 10_00, "currency": "eur"}


def top_up_with(api: stripe.StripeClient, key: str) -> stripe.Topup:
    """Ask for the same top-up under a key of the test's own."""
    return api.v1.topups.create(TOP_UP, {"idempotency_key": key})


def test_error_before_the_work_leaves_nothing(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    sandbox.fault(method="POST", path="/v1/topups", action="error_before")

    with pytest.raises(stripe.APIError) as failure:
        top_up_with(api, "k1")
    assert failure.value.http_status == 500
    assert available(api) == 0

    top_up_with(api, "k1")
    assert available(api) == 10_00


def test_saved_error_poisons_its_key_for_a_day(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    sandbox.fault(path="/v1/topups", action="error_before", saved=True)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            top_up_with(api, "k1")

    sandbox.advance(25 * 3600)
    top_up_with(api, "k1")

    assert available(api) == 10_00


def test_error_after_the_commit_hides_work_that_was_done(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    sandbox.fault(path="/v1/topups", action="error_after")

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            top_up_with(api, "k1")

    assert available(api) == 10_00
    assert [each["replayed"] for each in sandbox.requests() if each["method"] == "POST"] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("action", "done"), [("drop_before", 0), ("drop_after", 10_00), ("timeout_after_commit", 10_00)]
)
def test_lost_answer_says_nothing_of_what_was_done(
    api: stripe.StripeClient, sandbox: SandboxClient, action: str, done: int
) -> None:
    sandbox.fault(path="/v1/topups", action=action, milliseconds=50)

    with pytest.raises(stripe.APIConnectionError):
        top_up_with(api, "k1")
    assert available(api) == done

    top_up_with(api, "k1")
    assert available(api) == 10_00


def test_sdk_retries_a_dropped_connection_under_the_same_key(sandbox: SandboxClient) -> None:
    api = stripe.StripeClient(
        sandbox.key, base_addresses={"api": sandbox.url}, max_network_retries=2
    )
    sandbox.fault(path="/v1/topups", action="drop_after")

    top_up(api, 10_00)

    assert available(api) == 10_00


def test_rate_limit_names_its_reason_and_is_not_remembered(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    sandbox.fault(path="/v1/topups", action="rate_limited", reason="endpoint-rate")

    with pytest.raises(stripe.RateLimitError) as limited:
        top_up_with(api, "k1")
    top_up_with(api, "k1")

    assert limited.value.headers is not None
    assert limited.value.headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
    assert available(api) == 10_00


def test_conflict_is_a_409(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    sandbox.fault(path="/v1/topups", action="conflict")

    with pytest.raises(stripe.StripeError) as conflict:
        top_up_with(api, "k1")

    assert conflict.value.http_status == 409
    assert available(api) == 0


def test_latency_is_waited_for(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    sandbox.fault(method="GET", path="/v1/balance", action="latency", milliseconds=150)
    began = time.monotonic()

    available(api)

    assert time.monotonic() - began >= 0.15


def test_cap_lets_so_many_through_in_a_second(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    sandbox.fault(path="/v1/topups", action="rate_cap", per_second=3)

    answers = [status_of(lambda: top_up(api, 1_00)) for _ in range(6)]

    assert answers[:3] == [200, 200, 200]
    assert 429 in answers[3:]


def test_nth_call_and_no_other(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    sandbox.fault(path="/v1/top*", action="error_before", nth=3, times=2)

    assert [status_of(lambda: top_up(api, 1_00)) for _ in range(5)] == [200, 200, 500, 500, 200]
    assert sandbox.get("/_sandbox/faults")["faults"][0]["struck"] == 2


def test_fault_for_ever_ends_when_cleared(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    sandbox.fault(path="/v1/topups", action="error_before", times=0)
    assert {status_of(lambda: top_up(api, 1_00)) for _ in range(4)} == {500}

    sandbox.clear_faults()

    assert status_of(lambda: top_up(api, 1_00)) == 200


def test_path_and_method_choose_what_is_struck(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    sandbox.fault(method="POST", path="/v1/transfers", action="error_before", times=0)

    assert status_of(lambda: top_up(api, 1_00)) == 200
    assert status_of(api.v1.transfers.list) == 200


def test_random_plan_is_the_same_for_the_same_seed(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    plans = []
    for _ in range(2):
        sandbox.clear_faults()
        sandbox.fault(
            path="/v1/topups",
            action="random",
            seed=7,
            rate=0.5,
            actions=["error_before", "rate_limited"],
        )
        plans.append([status_of(lambda: top_up(api, 1_00)) for _ in range(20)])

    assert plans[0] == plans[1]
    assert set(plans[0]) == {200, 429, 500}


def test_faults_of_one_account_spare_the_others(sandbox: SandboxClient) -> None:
    sandbox.fault(path="*", action="error_before", times=0)
    other = stripe.StripeClient(
        f"{sandbox.key}other", base_addresses={"api": sandbox.url}, max_network_retries=0
    )

    assert status_of(lambda: top_up(other, 1_00)) == 200


def test_reset_forgets_the_faults(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    sandbox.fault(path="/v1/topups", action="error_before", times=0)
    assert status_of(lambda: top_up(api, 1_00)) == 500

    sandbox.reset()

    assert status_of(lambda: top_up(api, 1_00)) == 200


def status_of(call: Callable[[], object]) -> int | None:
    """Say which status a call got."""
    try:
        call()
    except stripe.StripeError as error:
        return error.http_status
    return 200
