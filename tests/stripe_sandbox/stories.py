"""What the sandbox's tests do again and again, each through the real SDK."""

import stripe

from stripe_sandbox.client import SandboxClient


def new_account(api: stripe.StripeClient, name: str = "La Recyclerie") -> str:
    """Open a connected account that asks to receive transfers."""
    account = api.v2.core.accounts.create(
        {
            "display_name": name,
            "contact_email": "tresorerie@recyclerie.example",
            "dashboard": "express",
            "identity": {"country": "fr", "entity_type": "non_profit"},
            "configuration": {
                "recipient": {
                    "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
                }
            },
        }
    )
    return account.id


def ready_account(
    api: stripe.StripeClient, sandbox: SandboxClient, name: str = "La Recyclerie"
) -> str:
    """Open a connected account and take it through onboarding."""
    account = new_account(api, name)
    sandbox.onboard(account)
    return account


def transfers_status(api: stripe.StripeClient, account: str) -> str:
    """Read whether an account may receive transfers, as the engine does."""
    seen = api.v2.core.accounts.retrieve(account, {"include": ["configuration.recipient"]})
    assert seen.configuration is not None
    assert seen.configuration.recipient is not None
    assert seen.configuration.recipient.capabilities is not None
    assert seen.configuration.recipient.capabilities.stripe_balance is not None
    transfers = seen.configuration.recipient.capabilities.stripe_balance.stripe_transfers
    assert transfers is not None
    return transfers.status


def top_up(api: stripe.StripeClient, amount: int) -> None:
    """Put the operator's own money on the balance, available at once."""
    api.v1.topups.create({"amount": amount, "currency": "eur"})


def send(api: stripe.StripeClient, account: str, amount: int) -> stripe.Transfer:
    """Send money to a connected account."""
    return api.v1.transfers.create({"amount": amount, "currency": "eur", "destination": account})


def pay(api: stripe.StripeClient, amount: int, card: str = "pm_card_visa") -> stripe.Charge:
    """Take a card payment and give its charge."""
    intent = api.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "eur",
            "payment_method": card,
            "confirm": True,
            "expand": ["latest_charge"],
        }
    )
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


def available(api: stripe.StripeClient, account: str | None = None) -> int:
    """Read the available euros of the platform, or of a connected account."""
    options: stripe.RequestOptions = {"stripe_account": account} if account else {}
    shares = api.v1.balance.retrieve({}, options).available
    return sum(share.amount for share in shares if share.currency == "eur")


def pending(api: stripe.StripeClient) -> int:
    """Read the euros of the platform that are not available yet."""
    shares = api.v1.balance.retrieve().pending
    return sum(share.amount for share in shares if share.currency == "eur")


def event_types(api: stripe.StripeClient, account: str | None = None) -> list[str]:
    """Read what happened, oldest first."""
    options: stripe.RequestOptions = {"stripe_account": account} if account else {}
    return [event.type for event in reversed(api.v1.events.list({"limit": 100}, options).data)]
