"""Stripe's own lists, newest first, each as long as it is: read in constant memory.

``since`` is an instant of Stripe's ``created``; without it a list is read to its beginning.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from payments.gateway import reading
from payments.gateway.client import PAGE, Gateway
from payments.gateway.facts import (
    ChargeFact,
    CheckoutFact,
    DisputeFact,
    RefundFact,
    TransferFact,
)
from payments.ledger.drafts import MovementFacts


def list_charges(gateway: Gateway, *, since: datetime | None = None) -> Iterator[ChargeFact]:
    """List the charges, those that were refused too."""
    params = _page(since)
    return gateway.each(
        lambda client, options: client.v1.charges.list(params, options), reading.listed_charge
    )


def list_refunds(gateway: Gateway, *, since: datetime | None = None) -> Iterator[RefundFact]:
    """List the refunds of every charge."""
    params = _page(since)
    return gateway.each(
        lambda client, options: client.v1.refunds.list(params, options), reading.refund
    )


def list_transfers(gateway: Gateway, *, since: datetime | None = None) -> Iterator[TransferFact]:
    """List the transfers to every connected account."""
    params = _page(since)
    return gateway.each(
        lambda client, options: client.v1.transfers.list(params, options), reading.transfer
    )


def list_disputes(gateway: Gateway, *, since: datetime | None = None) -> Iterator[DisputeFact]:
    """List the disputes and inquiries."""
    params = _page(since)
    return gateway.each(
        lambda client, options: client.v1.disputes.list(params, options), reading.dispute
    )


def list_pages(gateway: Gateway, *, since: datetime | None = None) -> Iterator[CheckoutFact]:
    """List the Checkout Sessions with the money they brought, or the card they saved."""
    expand = ["data.payment_intent.latest_charge.balance_transaction"]
    params = _page(since) | {"expand": [*expand, "data.setup_intent.payment_method"]}
    return gateway.each(
        lambda client, options: client.v1.checkout.sessions.list(params, options), reading.checkout
    )


def fetch_movement(gateway: Gateway, movement_id: str) -> MovementFacts:
    """Fetch one balance transaction."""
    seen = reading.movement(
        gateway.ask(
            lambda client, options: client.v1.balance_transactions.retrieve(
                movement_id, {}, options
            )
        )
    )
    assert seen is not None, "Stripe answered without the balance transaction asked for"
    return seen


def fetch_reversed_transfer(gateway: Gateway, reversal_id: str) -> str:
    """Return the id of the transfer that a reversal took back: it is known by its movement."""
    params: Any = {"source": reversal_id, "limit": 1, "expand": ["data.source"]}
    listed = gateway.ask(
        lambda client, options: client.v1.balance_transactions.list(params, options)
    )
    source: Any = listed.data[0].source
    return str(source.transfer)


def fetch_balances(gateway: Gateway) -> dict[str, int]:
    """Return what Stripe holds for the platform, available or not, by currency."""
    seen = gateway.ask(lambda client, options: client.v1.balance.retrieve({}, options))
    totals: dict[str, int] = {}
    shares: list[Any] = [*seen.available, *seen.pending]
    for share in shares:
        currency = share.currency.upper()
        totals[currency] = totals.get(currency, 0) + share.amount
    return totals


def fetch_own_account(gateway: Gateway) -> str:
    """Return the id of the account that the key opens."""
    return str(
        gateway.ask(lambda client, options: client.v1.accounts.retrieve_current({}, options)).id
    )


def _page(since: datetime | None) -> Any:
    created = {} if since is None else {"created": {"gte": int(since.timestamp())}}
    return {"limit": PAGE, **created}
