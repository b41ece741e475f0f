"""Intents: paid, refused, authenticated, saved for later and captured."""

from typing import Any

import pytest
import stripe

from stripe_sandbox.client import SandboxClient
from tests.sandbox import YEAR_OF_EXPIRY
from tests.stripe_sandbox.purchases import DAY, charge_off_session, metadata_of, save_card
from tests.stripe_sandbox.stories import available, event_types, pending

BACK = "https://octo.example/back"


def confirm(api: stripe.StripeClient, card: str, **given: Any) -> stripe.PaymentIntent:
    """Pay 20 euros with a card in one call."""
    params: Any = {
        "amount": 20_00,
        "currency": "eur",
        "payment_method": card,
        "confirm": True,
        "return_url": BACK,
        **given,
    }
    return api.v1.payment_intents.create(params)


def test_a_charge_carries_what_the_intent_was_given(api: stripe.StripeClient) -> None:
    intent = confirm(
        api,
        "pm_card_visa",
        metadata={"pledge": "plg_1"},
        transfer_group="cmp_1",
        description="Pledge",
        expand=["latest_charge.balance_transaction", "latest_charge.payment_intent"],
    )

    assert (intent.status, intent.amount_received) == ("succeeded", 20_00)
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.paid, charge.captured, charge.status) == (True, True, "succeeded")
    assert metadata_of(charge) == {"pledge": "plg_1"}
    assert (charge.transfer_group, charge.description) == ("cmp_1", "Pledge")
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert charge.balance_transaction.fee == 55
    assert isinstance(charge.payment_intent, stripe.PaymentIntent)


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_a_declined_card_leaves_a_failed_charge_and_no_money(
    api: stripe.StripeClient, card: str, code: str, decline_code: str | None
) -> None:
    with pytest.raises(stripe.CardError) as refusal:
        confirm(api, card)

    assert (refusal.value.http_status, refusal.value.code) == (402, code)
    assert refusal.value.error is not None
    assert getattr(refusal.value.error, "decline_code", None) == decline_code
    intent = api.v1.payment_intents.list().data[0]
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == code
    charge = api.v1.charges.retrieve(str(intent.latest_charge))
    assert (charge.status, charge.paid, charge.balance_transaction) == ("failed", False, None)
    assert pending(api) == available(api) == 0
    assert event_types(api)[-2:] == ["charge.failed", "payment_intent.payment_failed"]


def test_another_card_may_follow_a_declined_one(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError):
        confirm(api, "pm_card_chargeDeclined")
    intent = api.v1.payment_intents.list().data[0]

    paid = api.v1.payment_intents.confirm(
        intent.id, {"payment_method": "pm_card_visa", "return_url": BACK}
    )

    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    assert [one.paid for one in api.v1.charges.list().data] == [True, False]


def test_a_paid_intent_cannot_be_paid_or_canceled_again(api: stripe.StripeClient) -> None:
    intent = confirm(api, "pm_card_visa")

    for step in (api.v1.payment_intents.confirm, api.v1.payment_intents.cancel):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            step(intent.id)
        assert refusal.value.code == "payment_intent_unexpected_state"

    assert len(api.v1.charges.list().data) == 1


def test_three_d_secure_is_asked_for_at_its_page(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    intent = confirm(api, "pm_card_authenticationRequired")

    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.type == "redirect_to_url"
    assert intent.next_action.redirect_to_url is not None
    page = intent.next_action.redirect_to_url.url
    assert page is not None
    assert page.startswith(f"{sandbox.url}/3ds/acct_")
    assert pending(api) == 0
    assert event_types(api)[-1] == "payment_intent.requires_action"


def test_amount_and_currency_are_checked(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as small:
        confirm(api, "pm_card_visa", amount=49)
    assert small.value.code == "amount_too_small"

    with pytest.raises(stripe.InvalidRequestError) as large:
        confirm(api, "pm_card_visa", amount=100_000_000)
    assert large.value.code == "amount_too_large"

    with pytest.raises(stripe.InvalidRequestError, match="Invalid currency"):
        confirm(api, "pm_card_visa", currency="euros")


def test_a_saved_card_is_charged_while_its_holder_is_away(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    customer, method = save_card(api, sandbox, "4242424242424242")

    intents = [charge_off_session(api, customer, method) for _ in range(2)]

    assert [intent.status for intent in intents] == ["succeeded", "succeeded"]
    assert api.v1.charges.list({"customer": customer}).data[0].payment_method == method


def test_a_card_set_up_with_three_d_secure_needs_it_no_more(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    customer, method = save_card(api, sandbox, "4000002500003155", three_d_secure="complete")

    assert charge_off_session(api, customer, method).status == "succeeded"


def test_the_same_card_saved_without_it_needs_its_holder(api: stripe.StripeClient) -> None:
    customer = api.v1.customers.create().id
    method = api.v1.payment_methods.attach(
        "pm_card_authenticationRequiredOnSetup", {"customer": customer}
    )

    with pytest.raises(stripe.CardError) as refusal:
        charge_off_session(api, customer, method.id)

    assert refusal.value.code == "authentication_required"


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("4000002760003184", "authentication_required", "authentication_required"),
        ("4000000000000341", "card_declined", "generic_decline"),
        ("4000008260003178", "card_declined", "insufficient_funds"),
        ("4000008400001629", "card_declined", "generic_decline"),
    ],
)
def test_a_saved_card_can_be_refused_later(
    api: stripe.StripeClient, sandbox: SandboxClient, card: str, code: str, decline_code: str
) -> None:
    customer, method = save_card(api, sandbox, card, three_d_secure="complete")

    with pytest.raises(stripe.CardError) as refusal:
        charge_off_session(api, customer, method)

    assert refusal.value.code == code
    assert refusal.value.error is not None
    assert refusal.value.error.decline_code == decline_code
    intent = api.v1.payment_intents.list({"customer": customer}).data[0]
    assert intent.status == "requires_payment_method"


def test_the_backer_comes_back_and_authenticates(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    customer, method = save_card(api, sandbox, "4000002760003184", three_d_secure="complete")
    with pytest.raises(stripe.CardError):
        charge_off_session(api, customer, method)
    intent = api.v1.payment_intents.list({"customer": customer}).data[0]

    again = api.v1.payment_intents.confirm(
        intent.id, {"payment_method": method, "return_url": BACK}
    )

    assert again.status == "requires_action"


def test_a_declined_card_cannot_be_saved(api: stripe.StripeClient) -> None:
    customer = api.v1.customers.create().id

    with pytest.raises(stripe.CardError):
        api.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer})

    assert api.v1.customers.payment_methods.list(customer).data == []


def test_a_card_used_once_without_being_saved_is_spent(api: stripe.StripeClient) -> None:
    intent = confirm(api, "pm_card_visa")

    method = str(intent.payment_method)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        confirm(api, method)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        api.v1.setup_intents.create({"payment_method": method, "confirm": True})


def test_a_wrong_number_and_a_real_card_are_refused(api: stripe.StripeClient) -> None:
    for number, code in (("4242424242424241", "incorrect_number"), ("4111111111111111", None)):
        with pytest.raises(stripe.CardError) as refusal:
            api.v1.payment_methods.create(
                {
                    "type": "card",
                    "card": {
                        "number": number,
                        "exp_month": 12,
                        "exp_year": YEAR_OF_EXPIRY,
                        "cvc": "123",
                    },
                }
            )
        assert refusal.value.code == (code or "card_declined")


def test_an_authorization_is_captured_in_part(api: stripe.StripeClient) -> None:
    intent = confirm(api, "pm_card_bypassPending", capture_method="manual")
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 20_00)
    assert available(api) == 0

    taken = api.v1.payment_intents.capture(intent.id, {"amount_to_capture": 10_00})

    assert (taken.status, taken.amount_received) == ("succeeded", 10_00)
    assert available(api) == 10_00 - 40
    assert api.v1.charges.retrieve(str(taken.latest_charge)).amount_captured == 10_00


def test_an_authorization_lapses_after_a_week(
    api: stripe.StripeClient, sandbox: SandboxClient
) -> None:
    intent = confirm(api, "pm_card_visa", capture_method="manual")

    sandbox.advance(7 * DAY)

    assert api.v1.payment_intents.retrieve(intent.id).status == "canceled"
    assert pending(api) == 0
