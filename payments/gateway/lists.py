"""Stripe's own lists, newest first, each as long as it is: read in constant memory.

``since`` is an instant of Stripe's ``created``; without it a list is read to its beginning.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from payments.gateway import reading
from payments.gateway.client import Gateway
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
    return gateway.each("/v1/charges", reading.listed_charge, since=since)


def list_refunds(gateway: Gateway, *, since: datetime | None = None) -> Iterator[RefundFact]:
    """List the refunds of every charge."""
    return gateway.each("/v1/refunds", reading.refund, since=since)


def list_transfers(gateway: Gateway, *, since: datetime | None = None) -> Iterator[TransferFact]:
    """List the transfers to every connected account."""
    return gateway.each("/v1/transfers", reading.transfer, since=since)


def list_disputes(gateway: Gateway, *, since: datetime | None = None) -> Iterator[DisputeFact]:
    """List the disputes and inquiries."""
    return gateway.each("/v1/disputes", reading.dispute, since=since)


def list_pages(gateway: Gateway, *, since: datetime | None = None) -> Iterator[CheckoutFact]:
    """List the Checkout Sessions with the money they brought, or the card they saved."""
    expand = ["data.payment_intent.latest_charge.balance_transaction"]
    expand.append("data.setup_intent.payment_method")
    return gateway.each("/v1/checkout/sessions", reading.checkout, since=since, expand=expand)


def fetch_movement(gateway: Gateway, movement_id: str) -> MovementFacts:
    """Fetch one balance transaction."""
    seen = reading.movement(gateway.get("/v1/balance_transactions", movement_id))
    assert seen is not None, "Stripe answered without the balance transaction asked for"
    return seen


def fetch_reversed_transfer(gateway: Gateway, reversal_id: str) -> str:
    """Return the id of the transfer that a reversal took back: it is known by its movement."""
    asked: Any = {"source": reversal_id, "limit": 1, "expand": ["data.source"]}
    return str(gateway.get("/v1/balance_transactions", **asked).data[0].source.transfer)


def fetch_balances(gateway: Gateway) -> dict[str, int]:
    """Return what Stripe holds for the platform, available or not, by currency."""
    seen = gateway.get("/v1/balance")
    totals: dict[str, int] = {}
    for share in [*seen.available, *seen.pending]:
        currency = share.currency.upper()
        totals[currency] = totals.get(currency, 0) + share.amount
    return totals


def fetch_own_account(gateway: Gateway) -> str:
    """Return the id of the account that the key opens."""
    return str(gateway.get("/v1/account").id)
