"""What a backer does, told to the real SDK."""

from typing import Any

import stripe

from stripe_sandbox.client import Json, SandboxClient

DAY = 24 * 3600
BACK = "https://octo.example/thanks?session={CHECKOUT_SESSION_ID}"


def open_checkout(
    api: stripe.StripeClient, amount: int = 15_00, **given: Any
) -> stripe.checkout.Session:
    """Open a hosted page that asks for an amount in euros."""
    line: Any = {
        "price_data": {
            "currency": "eur",
            "unit_amount": amount,
            "product_data": {"name": "A basket of vegetables"},
        },
        "quantity": 1,
    }
    params: Any = {"mode": "payment", "line_items": [line], "success_url": BACK, **given}
    return api.v1.checkout.sessions.create(params)


def intent_of(api: stripe.StripeClient, session_id: str) -> stripe.PaymentIntent:
    """Fetch the intent of a session, with its charge and its balance transaction."""
    session = api.v1.checkout.sessions.retrieve(
        session_id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
    )
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    return session.payment_intent


def charge_off_session(
    api: stripe.StripeClient, customer: str, method: str, amount: int = 15_00
) -> stripe.PaymentIntent:
    """Charge a saved card while its holder is away."""
    return api.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "eur",
            "customer": customer,
            "payment_method": method,
            "off_session": True,
            "confirm": True,
        }
    )


def save_card(
    api: stripe.StripeClient, sandbox: SandboxClient, card: str, **pay: Any
) -> tuple[str, str]:
    """Save a card on the hosted page; give its customer and payment method."""
    customer = api.v1.customers.create({"metadata": {"user": "usr_1"}}).id
    session = api.v1.checkout.sessions.create(
        {"mode": "setup", "customer": customer, "success_url": BACK, "currency": "eur"}
    )
    paid: Json = sandbox.pay(session.id, card=card, **pay)
    assert paid["error"] is None
    methods = api.v1.customers.payment_methods.list(customer).data
    return customer, methods[0].id


def refund(api: stripe.StripeClient, charge: stripe.Charge, amount: int) -> stripe.Refund:
    return api.v1.refunds.create({"charge": charge.id, "amount": amount})


def movement(api: stripe.StripeClient, id_: Any) -> stripe.BalanceTransaction:
    """Fetch a balance transaction by what an object says of it."""
    return api.v1.balance_transactions.retrieve(str(id_))


def check_books(sandbox: SandboxClient) -> None:
    """Have the sandbox compare each of its balances with its balance transactions."""
    assert sandbox.post("/_sandbox/check")["balances_checked"] > 0


def metadata_of(seen: Any) -> dict[str, str]:
    return dict(seen.metadata.to_dict())
