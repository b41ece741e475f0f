"""The clock, the settings and the books of one account."""

import time

import pytest
import stripe

from stripe_sandbox.client import SandboxClient, SandboxRefusedError
from tests.stripe_sandbox.purchases import DAY, check_books, open_checkout
from tests.stripe_sandbox.stories import available, pay, pending, top_up


def test_what_is_created_carries_business_time(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    before = sandbox.now()

    sandbox.advance(40 * DAY)

    assert 40 * DAY <= api.v1.customers.create().created - before <= 40 * DAY + 5


def test_things_fall_due_in_order_at_their_own_instants(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    late = open_checkout(api, expires_at=sandbox.now() + 7200)
    early = open_checkout(api, expires_at=sandbox.now() + 3600)
    pay(api, 10_00)

    sandbox.advance(30 * DAY)

    events = list(reversed(api.v1.events.list({"limit": 100}).data))[-3:]
    assert [event.type for event in events] == [
        "checkout.session.expired",
        "checkout.session.expired",
        "balance.available",
    ]
    assert [event.created for event in events[:2]] == [early.expires_at, late.expires_at]
    assert events[2].created % DAY == 0


def test_the_clock_goes_back_only_while_the_account_is_empty(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    start = sandbox.now() - 100 * DAY
    sandbox.advance_to(start)
    assert start <= sandbox.now() <= start + 5
    assert api.v1.customers.create().created < start + 5

    with pytest.raises(SandboxRefusedError, match="only while the account is empty"):
        sandbox.advance_to(start - 1)


def test_fees_and_delays_are_settings(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    sandbox.post("/_sandbox/settings", pending_days=0, fee_basis_points=290, fee_fixed_amount=30)

    pay(api, 100_00)

    assert (available(api), pending(api)) == (100_00 - 2_90 - 30, 0)


def test_a_held_clock_stands_still_and_then_is_where_it_would_be(sandbox: SandboxClient) -> None:
    with sandbox.clock_held():
        held = sandbox.now()
        time.sleep(1.1)
        assert sandbox.now() == held

    assert sandbox.now() > held
    sandbox.post("/_sandbox/clock/hold", seconds=0)
    with pytest.raises(SandboxRefusedError, match="0 or more"):
        sandbox.post("/_sandbox/clock/hold", seconds=-1)


def test_an_unknown_setting_is_refused(sandbox: SandboxClient) -> None:
    with pytest.raises(SandboxRefusedError, match="Unknown setting"):
        sandbox.post("/_sandbox/settings", pending_weeks=1)


def test_a_charge_may_go_straight_to_the_available_balance(api: stripe.StripeClient) -> None:
    pay(api, 10_00, "pm_card_bypassPending")

    assert (available(api), pending(api)) == (9_60, 0)


def test_reset_forgets_everything(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    top_up(api, 10_00)
    api.v1.customers.create({}, {"idempotency_key": "k"})
    sandbox.advance(DAY)

    sandbox.reset()

    assert sandbox.get("/_sandbox/clock")["offset_seconds"] == 0
    assert available(api) == 0
    assert api.v1.events.list().data == []
    again = api.v1.customers.create({}, {"idempotency_key": "k"})
    assert again.last_response is not None
    assert "Idempotent-Replayed" not in again.last_response.headers


def test_the_log_tells_what_was_asked(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    api.v1.customers.create({"metadata": {"a": "b"}}, {"idempotency_key": "k"})
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.charges.retrieve("ch_nothing")

    first, second = sandbox.requests()

    assert (first["method"], first["path"]) == ("POST", "/v1/customers")
    assert (first["params"], first["idempotency_key"]) == ({"metadata": {"a": "b"}}, "k")
    assert (second["path"], second["status"]) == ("/v1/charges/ch_nothing", 404)


def test_mixed_movements_keep_the_books(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    for turn in range(10):
        charge = pay(api, 1_000 + turn, "pm_card_visa" if turn % 2 else "pm_card_refundFail")
        top_up(api, 77)
        api.v1.refunds.create({"charge": charge.id, "amount": 500 + turn})
        sandbox.advance(DAY)
    check_books(sandbox)

    movements = sandbox.every("/v1/balance_transactions")

    assert sum(row["net"] for row in movements) == available(api) + pending(api)
