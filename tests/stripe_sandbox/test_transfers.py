"""Transfers, their reversals, top-ups and payouts: where each euro is, at each step."""

import pytest
import stripe

from stripe_sandbox.client import SandboxClient
from tests.stripe_sandbox.stories import (
    available,
    event_types,
    new_account,
    pay,
    ready_account,
    send,
    top_up,
)

DAY = 24 * 3600


def test_transfer_moves_money_to_the_owner(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    account = ready_account(api, sandbox)
    top_up(api, 100_00)

    transfer = api.v1.transfers.create(
        {
            "amount": 60_00,
            "currency": "eur",
            "destination": account,
            "transfer_group": "cmp_1",
            "metadata": {"octo_attempt": "att_1"},
        }
    )

    assert (available(api), available(api, account)) == (40_00, 60_00)
    assert transfer.metadata["octo_attempt"] == "att_1"
    movement = api.v1.balance_transactions.list({"source": transfer.id}).data[0]
    assert (movement.amount, movement.fee, movement.type) == (-60_00, 0, "transfer")
    sandbox.post("/_sandbox/check")


def test_transfer_is_found_by_its_group(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    account = ready_account(api, sandbox)
    top_up(api, 100_00)
    for group in ("cmp_1", "cmp_2", "cmp_1"):
        api.v1.transfers.create(
            {
                "amount": 1_00,
                "currency": "eur",
                "destination": account,
                "transfer_group": group,
            }
        )

    found = api.v1.transfers.list({"transfer_group": "cmp_1", "destination": account})

    assert [transfer.transfer_group for transfer in found.data] == ["cmp_1", "cmp_1"]


def test_transfer_needs_available_balance(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    account = ready_account(api, sandbox)
    pay(api, 100_00)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        send(api, account, 50_00)

    assert refusal.value.code == "balance_insufficient"
    assert available(api, account) == 0


def test_transfer_waits_for_the_funds_of_the_charge(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    account = ready_account(api, sandbox)
    pay(api, 100_00)  # Stripe keeps 1.5 % + 0.25 = 1.75

    sandbox.advance(8 * DAY)
    send(api, account, 98_25)

    assert (available(api), available(api, account)) == (0, 98_25)


@pytest.mark.parametrize("state", ["never onboarded", "restricted", "closed"])
def test_account_that_is_not_ready_gets_nothing(
    api: stripe.StripeClient, sandbox: SandboxClient, state: str
) -> None:
    account = new_account(api) if state == "never onboarded" else ready_account(api, sandbox)
    if state == "restricted":
        sandbox.restrict(account)
    if state == "closed":
        sandbox.post(f"/_sandbox/accounts/{account}/close")
    top_up(api, 100_00)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        send(api, account, 50_00)

    assert refusal.value.code == "insufficient_capabilities_for_transfer"
    assert available(api) == 100_00


def test_transfer_to_nobody_is_refused(api: stripe.StripeClient) -> None:
    top_up(api, 100_00)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        send(api, "acct_nobody", 50_00)

    assert (refusal.value.code, refusal.value.param) == ("resource_missing", "destination")


def test_refusal_is_remembered_under_its_key(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    account = ready_account(api, sandbox)
    params: stripe.params.TransferCreateParams = {
        "amount": 50_00,
        "currency": "eur",
        "destination": account,
    }
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.transfers.create(params, {"idempotency_key": "k1"})
    top_up(api, 100_00)

    with pytest.raises(stripe.InvalidRequestError) as replayed:
        api.v1.transfers.create(params, {"idempotency_key": "k1"})
    api.v1.transfers.create(params, {"idempotency_key": "k2"})

    assert replayed.value.code == "balance_insufficient"
    assert available(api, account) == 50_00


def test_source_transaction_ties_a_transfer_to_its_charge(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    account = ready_account(api, sandbox)
    charge = pay(api, 100_00)
    tied: stripe.params.TransferCreateParams = {
        "amount": 60_00,
        "currency": "eur",
        "destination": account,
        "source_transaction": charge.id,
    }

    transfer = api.v1.transfers.create(tied)

    assert transfer.transfer_group == f"group_{charge.id}"
    assert available(api, account) == 0
    with pytest.raises(stripe.InvalidRequestError, match="remains of the source charge"):
        api.v1.transfers.create(tied)
    sandbox.advance(8 * DAY)
    assert "balance.available" in event_types(api, account)


def test_reversal_takes_a_part_back_then_the_rest(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    account = ready_account(api, sandbox)
    top_up(api, 100_00)
    transfer = send(api, account, 60_00)

    part = api.v1.transfers.reversals.create(transfer.id, {"amount": 20_00})
    after_part = api.v1.transfers.retrieve(transfer.id)
    api.v1.transfers.reversals.create(transfer.id)
    after_all = api.v1.transfers.retrieve(transfer.id)

    assert part.amount == 20_00
    assert (after_part.amount_reversed, after_part.reversed) == (20_00, False)
    assert (after_all.amount_reversed, after_all.reversed) == (60_00, True)
    assert [each.amount for each in after_all.reversals.data] == [40_00, 20_00]
    assert (available(api), available(api, account)) == (100_00, 0)
    assert event_types(api).count("transfer.reversed") == 2
    sandbox.post("/_sandbox/check")


def test_reversal_of_more_than_remains_is_refused(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    account = ready_account(api, sandbox)
    top_up(api, 100_00)
    transfer = send(api, account, 60_00)
    api.v1.transfers.reversals.create(transfer.id, {"amount": 50_00})

    with pytest.raises(stripe.InvalidRequestError, match="greater than what remains"):
        api.v1.transfers.reversals.create(transfer.id, {"amount": 10_01})


def test_reversal_needs_money_on_the_owner_s_balance(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    account = ready_account(api, sandbox)
    top_up(api, 100_00)
    transfer = send(api, account, 60_00)
    sandbox.advance(2 * DAY)  # the daily payout took it to the owner's bank

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.transfers.reversals.create(transfer.id)

    assert refusal.value.code == "balance_insufficient"
    assert available(api) == 40_00


def test_platform_pays_out_only_when_told(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    top_up(api, 100_00)
    sandbox.advance(10 * DAY)
    settings = api.v1.balance_settings.retrieve()

    payout = api.v1.payouts.create({"amount": 30_00, "currency": "eur"})
    sandbox.advance(3 * DAY)

    assert settings.payments.payouts is not None
    assert settings.payments.payouts.schedule is not None
    assert settings.payments.payouts.schedule.interval == "manual"
    assert api.v1.payouts.retrieve(payout.id).status == "paid"
    assert available(api) == 70_00


def test_daily_schedule_pays_everything_out(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    api.v1.balance_settings.update({"payments": {"payouts": {"schedule": {"interval": "daily"}}}})
    top_up(api, 100_00)

    sandbox.advance(2 * DAY)

    assert available(api) == 0
    assert [payout.automatic for payout in api.v1.payouts.list().data] == [True]


def test_failed_payout_comes_back(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    top_up(api, 100_00)
    payout = api.v1.payouts.create({"amount": 30_00, "currency": "eur"})
    sandbox.advance(3 * DAY)

    sandbox.post(f"/_sandbox/payouts/{payout.id}/fail")

    seen = api.v1.payouts.retrieve(payout.id, {"expand": ["failure_balance_transaction"]})
    assert (seen.status, available(api)) == ("failed", 100_00)
    assert isinstance(seen.failure_balance_transaction, stripe.BalanceTransaction)
    assert seen.failure_balance_transaction.amount == 30_00


def test_payout_of_more_than_is_available_is_refused(api: stripe.StripeClient) -> None:
    top_up(api, 10_00)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.payouts.create({"amount": 10_01, "currency": "eur"})

    assert refusal.value.code == "balance_insufficient"
