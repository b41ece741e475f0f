"""Disputes: what a bank takes, gives back, and what is refused meanwhile."""

import pytest
import stripe

from stripe_sandbox.client import SandboxClient
from tests.stripe_sandbox.stories import available as available_of
from tests.stripe_sandbox.stories import event_types, pay, pending

DAY = 24 * 3600


def dispute_of(api: stripe.StripeClient, charge: stripe.Charge) -> stripe.Dispute:
    """Read the one dispute of a charge."""
    [dispute] = api.v1.disputes.list({"charge": charge.id}).data
    return dispute


def whole_balance(api: stripe.StripeClient) -> int:
    """Read everything on the balance, pending or not."""
    return available_of(api) + pending(api)


def test_fraudulent_card_is_disputed_and_the_money_taken(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    charge = pay(api, 100_00, "pm_card_createDispute")  # Stripe keeps 1.75

    dispute = dispute_of(api, charge)

    assert (dispute.status, dispute.reason) == ("needs_response", "fraudulent")
    assert not dispute.is_charge_refundable
    [movement] = dispute.balance_transactions
    assert (movement.amount, movement.fee, movement.net) == (-100_00, 20_00, -120_00)
    assert movement.reporting_category == "dispute"
    assert whole_balance(api) == 98_25 - 120_00
    types = event_types(api)
    assert types.index("charge.dispute.created") < types.index("charge.dispute.funds_withdrawn")
    sandbox.post("/_sandbox/check")


def test_inquiry_takes_nothing_and_leaves_the_charge_refundable(api: stripe.StripeClient) -> None:
    charge = pay(api, 100_00, "pm_card_createDisputeInquiry")

    dispute = dispute_of(api, charge)

    assert dispute.status == "warning_needs_response"
    assert dispute.is_charge_refundable
    assert dispute.balance_transactions == []
    assert whole_balance(api) == 98_25
    api.v1.refunds.create({"charge": charge.id})


def test_charged_back_money_is_not_refunded_too(api: stripe.StripeClient) -> None:
    charge = pay(api, 100_00, "pm_card_createDispute")

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.v1.refunds.create({"charge": charge.id})

    assert refusal.value.code == "charge_disputed"


def test_won_dispute_gives_the_amount_back_without_the_fee(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    dispute = dispute_of(api, pay(api, 100_00, "pm_card_createDispute"))

    sandbox.post(f"/_sandbox/disputes/{dispute.id}/win")

    won = api.v1.disputes.retrieve(dispute.id)
    assert won.status == "won"
    assert [movement.net for movement in won.balance_transactions] == [-120_00, 100_00]
    assert whole_balance(api) == 98_25 - 20_00
    types = event_types(api)
    assert types.index("charge.dispute.funds_reinstated") < types.index("charge.dispute.closed")


def test_lost_dispute_keeps_what_it_took(api: stripe.StripeClient, sandbox: SandboxClient) -> None:
    dispute = dispute_of(api, pay(api, 100_00, "pm_card_createDispute"))

    sandbox.post(f"/_sandbox/disputes/{dispute.id}/lose")

    assert api.v1.disputes.retrieve(dispute.id).status == "lost"
    assert whole_balance(api) == 98_25 - 120_00
    assert "charge.dispute.funds_reinstated" not in event_types(api)


def test_closing_accepts_the_loss_and_only_once(api: stripe.StripeClient) -> None:
    dispute = dispute_of(api, pay(api, 100_00, "pm_card_createDispute"))

    assert api.v1.disputes.close(dispute.id).status == "lost"

    with pytest.raises(stripe.InvalidRequestError):
        api.v1.disputes.close(dispute.id)


@pytest.mark.parametrize(
    ("evidence", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")]
)
def test_evidence_decides_a_test_dispute(
    api: stripe.StripeClient, evidence: str, status: str
) -> None:
    dispute = dispute_of(api, pay(api, 100_00, "pm_card_createDispute"))

    api.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": evidence}, "submit": True}
    )

    assert api.v1.disputes.retrieve(dispute.id).status == status


def test_inquiry_may_become_a_dispute_later(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    dispute = dispute_of(api, pay(api, 100_00, "pm_card_createDisputeInquiry"))

    sandbox.post(f"/_sandbox/disputes/{dispute.id}/escalate")

    escalated = api.v1.disputes.retrieve(dispute.id)
    assert (escalated.status, escalated.is_charge_refundable) == ("needs_response", False)
    assert whole_balance(api) == 98_25 - 120_00


def test_any_charge_may_be_disputed_weeks_later(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    charge = pay(api, 100_00)
    sandbox.advance(40 * DAY)

    sandbox.post(f"/_sandbox/charges/{charge.id}/dispute", kind="fraudulent", amount=60_00)

    assert dispute_of(api, charge).amount == 60_00
    assert available_of(api) == 98_25 - 80_00
