"""Refunds: fees are kept, available money is used, and what cannot be paid waits."""

import pytest
import stripe

from stripe_sandbox.client import SandboxClient
from tests.stripe_sandbox.purchases import DAY, check_books, movement, refund
from tests.stripe_sandbox.stories import (
    available,
    event_types,
    pay,
    pending,
    ready_account,
    send,
    top_up,
)

BYPASS = "pm_card_bypassPending"


def test_a_charge_is_pending_for_a_week_and_costs_its_fee(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    charge = pay(api, 15_00)
    seen = movement(api, charge.balance_transaction)
    assert (seen.amount, seen.fee, seen.net) == (15_00, 48, 14_52)  # 22.5 cents round up
    assert seen.fee_details[0].type == "stripe_fee"
    assert (seen.status, seen.source, seen.type) == ("pending", charge.id, "charge")
    assert seen.available_on % DAY == 0
    assert (available(api), pending(api)) == (0, 14_52)

    sandbox.advance(7 * DAY)

    assert (available(api), pending(api)) == (14_52, 0)
    assert movement(api, seen.id).status == "available"
    assert "balance.available" in event_types(api)
    check_books(sandbox)


def test_a_refund_keeps_the_fee(api: stripe.StripeClient) -> None:
    charge = pay(api, 50_00, BYPASS)

    back = refund(api, charge, 20_00)

    assert back.status == "succeeded"
    taken = movement(api, back.balance_transaction)
    assert (taken.amount, taken.fee, taken.net) == (-20_00, 0, -20_00)
    assert (taken.type, taken.reporting_category, taken.source) == ("refund", "refund", back.id)
    assert available(api) == 49_00 - 20_00
    seen = api.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (seen.amount_refunded, seen.refunded) == (20_00, False)
    assert seen.refunds is not None
    assert [one.id for one in seen.refunds.data] == [back.id]
    assert event_types(api)[-2:] == ["refund.created", "charge.refunded"]


def test_a_charge_is_never_refunded_twice(api: stripe.StripeClient) -> None:
    charge = pay(api, 50_00, BYPASS)
    top_up(api, 1_00)
    api.v1.refunds.create({"payment_intent": str(charge.payment_intent)})

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.refunds.create({"charge": charge.id})

    assert refusal.value.code == "charge_already_refunded"
    assert api.v1.charges.retrieve(charge.id).refunded


@pytest.mark.parametrize("amount", [50_01, 0, -5])
def test_an_impossible_amount_is_refused(api: stripe.StripeClient, amount: int) -> None:
    charge = pay(api, 50_00, BYPASS)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        refund(api, charge, amount)

    assert refusal.value.param == "amount"
    assert available(api) == 49_00


def test_a_failed_charge_has_nothing_to_refund(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError):
        pay(api, 50_00, "pm_card_chargeDeclined")
    charge = api.v1.charges.list().data[0]

    with pytest.raises(stripe.InvalidRequestError):
        api.v1.refunds.create({"charge": charge.id})


def test_too_little_money_makes_refunds_wait_and_a_top_up_pays_them_in_order(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    charges = [pay(api, 15_00, BYPASS) for _ in range(3)]
    assert available(api) == 3 * 14_52

    refunds = [refund(api, charge, 15_00) for charge in charges]

    assert [one.status for one in refunds] == ["succeeded", "succeeded", "pending"]
    waiting = refunds[2]
    assert waiting.pending_reason == "insufficient_funds"
    assert waiting.balance_transaction is None
    assert api.v1.charges.retrieve(charges[2].id).refunded
    assert available(api) == 13_56

    top_up(api, 1_43)
    assert api.v1.refunds.retrieve(waiting.id).status == "pending"
    top_up(api, 1)

    paid = api.v1.refunds.retrieve(waiting.id)
    assert paid.status == "succeeded"
    assert movement(api, paid.balance_transaction).net == -15_00
    assert available(api) == 0
    assert event_types(api)[-2:] == ["refund.updated", "charge.refund.updated"]
    check_books(sandbox)


def test_a_small_refund_does_not_overtake_a_large_one(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    large, small = pay(api, 50_00, BYPASS), pay(api, 2_00, BYPASS)
    send(api, ready_account(api, sandbox), available(api))
    waiting = [refund(api, large, 50_00).id, refund(api, small, 2_00).id]

    def statuses() -> list[str | None]:
        return [api.v1.refunds.retrieve(refund_id).status for refund_id in waiting]

    top_up(api, 5_00)
    assert statuses() == ["pending", "pending"]
    top_up(api, 45_00)
    assert statuses() == ["succeeded", "pending"]
    top_up(api, 2_00)
    assert statuses() == ["succeeded", "succeeded"]


def test_a_fresh_charge_is_refunded_from_what_is_pending(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    charge, _other = pay(api, 15_00), pay(api, 15_00)

    back = refund(api, charge, 15_00)

    assert back.status == "succeeded"
    taken = movement(api, back.balance_transaction)
    assert taken.status == "pending"
    assert taken.available_on == movement(api, charge.balance_transaction).available_on
    assert (available(api), pending(api)) == (0, 2 * 14_52 - 15_00)
    sandbox.advance(7 * DAY)
    assert (available(api), pending(api)) == (2 * 14_52 - 15_00, 0)
    check_books(sandbox)


def test_a_fresh_charge_the_whole_balance_cannot_cover_waits_for_it(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    back = refund(api, pay(api, 15_00), 15_00)
    assert (back.status, back.pending_reason) == ("pending", "charge_pending")

    sandbox.advance(7 * DAY)
    assert api.v1.refunds.retrieve(back.id).pending_reason == "insufficient_funds"

    top_up(api, 48)
    assert api.v1.refunds.retrieve(back.id).status == "succeeded"


def test_a_slow_refund_pends_and_then_succeeds(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    charge = pay(api, 15_00, "pm_card_pendingRefund")
    top_up(api, 20_00)

    back = refund(api, charge, 15_00)

    assert (back.status, back.pending_reason) == ("pending", "processing")
    assert movement(api, back.balance_transaction).net == -15_00
    sandbox.advance(60)
    seen = api.v1.refunds.retrieve(back.id)
    assert seen.status == "succeeded"
    assert "pending_reason" not in seen
    assert available(api) == 5_00


def test_a_refund_can_fail_after_it_succeeded_and_its_money_is_back(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    charge = pay(api, 15_00, "pm_card_refundFail")
    top_up(api, 20_00)
    back = refund(api, charge, 15_00)
    assert back.status == "succeeded"
    assert available(api) == 5_00

    sandbox.advance(60)

    seen = api.v1.refunds.retrieve(back.id, {"expand": ["failure_balance_transaction"]})
    assert (seen.status, seen.failure_reason) == ("failed", "expired_or_canceled_card")
    assert isinstance(seen.failure_balance_transaction, stripe.BalanceTransaction)
    assert seen.failure_balance_transaction.net == 15_00
    assert seen.failure_balance_transaction.type == "refund_failure"
    assert available(api) == 20_00
    assert api.v1.charges.retrieve(charge.id).amount_refunded == 0
    assert "refund.failed" in event_types(api)
    check_books(sandbox)


def test_a_refund_that_waits_can_be_made_to_fail_without_a_movement(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    charge = pay(api, 15_00, BYPASS)
    back = refund(api, charge, 15_00)

    sandbox.post(f"/_sandbox/refunds/{back.id}/fail")

    seen = api.v1.refunds.retrieve(back.id)
    assert seen.status == "failed"
    assert seen.failure_balance_transaction is None
    assert available(api) == 14_52
    top_up(api, 5_00)
    assert api.v1.refunds.retrieve(back.id).status == "failed"


def test_failing_campaign_hangs_for_its_fees_until_the_operator_pays_them(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    charges = [pay(api, 15_00) for _ in range(40)]
    sandbox.advance(8 * DAY)

    statuses = [refund(api, charge, 15_00).status for charge in charges]

    assert statuses.count("pending") == 2  # 40 x 48 cents of fees are missing
    top_up(api, 40 * 48)
    assert available(api) == 0
    assert {one.status for one in api.v1.refunds.list({"limit": 100}).data} == {"succeeded"}
    check_books(sandbox)
