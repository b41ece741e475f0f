"""Balances: every movement is one balance transaction, pending until its day and then available."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from stripe_sandbox.events import emit
from stripe_sandbox.objects import Json, new_id
from stripe_sandbox.store import Store, index_fields, when_due

index_fields("balance_transaction", "source", "type", "payout", "currency")

_BASIS_POINTS: Final = 10_000
_LISTENERS: Final[list[Callable[[Store, str], None]]] = []


def on_funds(listener: Callable[[Store, str], None]) -> Callable[[Store, str], None]:
    """Have ``listener(store, currency)`` called when more becomes available."""
    _LISTENERS.append(listener)
    return listener


def processing_fee(store: Store, amount: int) -> int:
    """Return Stripe's fee for a charge: a share, rounded half up, and a fixed amount."""
    share = Decimal(amount) * int(store.settings["fee_basis_points"]) / _BASIS_POINTS
    fixed = int(store.settings["fee_fixed_amount"])
    return int(share.quantize(Decimal(1), rounding=ROUND_HALF_UP)) + fixed


def availability(store: Store) -> int:
    """Return the instant a charge made now becomes available: midnight UTC, days from now."""
    days = store.settings["pending_days"]
    if not days:
        return store.now
    midnight = datetime.fromtimestamp(store.now, UTC).replace(hour=0, minute=0, second=0)
    return int((midnight + timedelta(days=days)).timestamp())


def balance_of(store: Store, currency: str) -> tuple[int, int]:
    """Return what is available and what is pending."""
    row = store.execute(
        "SELECT available, pending FROM balance WHERE account = ? AND currency = ?",
        (store.account, currency),
    ).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def available(store: Store, currency: str) -> int:
    return balance_of(store, currency)[0]


def move_money(
    store: Store,
    *,
    type_: str,
    amount: int,
    currency: str,
    source: str | None,
    fee: int = 0,
    fee_description: str = "Stripe processing fees",
    available_on: int | None = None,
    reporting_category: str | None = None,
    description: str | None = None,
) -> Json:
    """Write one balance transaction of this store's account, and its effect on the balance.

    Without ``available_on`` the movement counts at once. A negative ``amount``
    takes money. Nothing is refused here: compare with ``available`` first.
    """
    instant = store.now if available_on is None else max(available_on, store.now)
    is_available = instant <= store.now
    transaction = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": instant,
        "balance_type": "payments",
        "created": store.now,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [
            {
                "amount": fee,
                "application": None,
                "currency": currency,
                "description": fee_description,
                "type": "stripe_fee",
            }
        ]
        if fee
        else [],
        "net": amount - fee,
        "reporting_category": reporting_category or type_,
        "source": source,
        "status": "available" if is_available else "pending",
        "type": type_,
    }
    store.add(transaction)
    _count(store, transaction, is_available=is_available)
    if not is_available:
        store.schedule(instant, "funds", currency)
    elif amount - fee > 0:
        store.schedule(store.now, "more_funds", currency)
    return transaction


def _count(store: Store, transaction: Json, *, is_available: bool) -> None:
    net, currency = transaction["net"], transaction["currency"]
    instant = transaction["available_on"]
    store.execute(
        "INSERT INTO movement (id, account, currency, net, available_on, is_available)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (transaction["id"], store.account, currency, net, instant, is_available),
    )
    before = sum(balance_of(store, currency))
    available_net, pending_net = (net, 0) if is_available else (0, net)
    store.execute(
        "INSERT INTO balance (account, currency, available, pending) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account, currency) DO UPDATE SET"
        " available = available + excluded.available, pending = pending + excluded.pending",
        (store.account, currency, available_net, pending_net),
    )
    gained = sum(balance_of(store, currency)) - before
    moved = store.transaction.money_moved
    moved[store.account, currency] = moved.get((store.account, currency), 0) + net - gained


@when_due("funds")
def make_available(store: Store, currency: str) -> None:
    """Turn the movements whose day has come from pending into available."""
    values = (store.account, currency, store.now)
    ids, total = [], 0
    for id_, net in store.execute(
        "SELECT id, net FROM movement WHERE account = ? AND currency = ?"
        " AND NOT is_available AND available_on <= ?",
        values,
    ):
        ids.append((id_,))
        total += net
        if (seen := store.transaction.seen.get(id_)) is not None:
            seen["status"] = "available"
    if not ids:
        return
    write = store.transaction.connection.executemany
    write("UPDATE object SET body = json_set(body, '$.status', 'available') WHERE id = ?", ids)
    write("UPDATE movement SET is_available = 1 WHERE id = ?", ids)
    store.execute(
        "UPDATE balance SET available = available + ?, pending = pending - ?"
        " WHERE account = ? AND currency = ?",
        (total, total, store.account, currency),
    )
    emit(store, "balance.available", balance_object(store))
    tell_of_more_funds(store, currency)


@when_due("more_funds")
def tell_of_more_funds(store: Store, currency: str) -> None:
    """Give what waits for money its chance."""
    for listener in _LISTENERS:
        listener(store, currency)


def balance_object(store: Store) -> Json:
    """Return the account's balance as ``GET /v1/balance`` shows it."""
    rows = store.execute(
        "SELECT currency, available, pending FROM balance WHERE account = ? ORDER BY currency",
        (store.account,),
    ).fetchall() or [(store.settings["default_currency"], 0, 0)]

    def share(currency: str, amount: int) -> Json:
        return {"amount": amount, "currency": currency, "source_types": {"card": amount}}

    return {
        "object": "balance",
        "available": [share(currency, amount) for currency, amount, _ in rows],
        "connect_reserved": [{"amount": 0, "currency": currency} for currency, _, _ in rows],
        "livemode": False,
        "pending": [share(currency, amount) for currency, _, amount in rows],
    }
