"""Drifts to plant: each kind says what it may befall, does it, and says what is to be named."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.payments.reconciliation.history import History

Row = Any
Rows = Callable[[History], list[Row]]
Plant = Callable[[History, Row, random.Random], set[str]]


@dataclass(frozen=True)
class Drift:
    """One kind of drift. ``plant`` does it to one row and returns what may be named for it."""

    name: str
    of: Rows
    plant: Plant


DRIFTS: Final[list[Drift]] = []


def rows(sql: str) -> Rows:
    return lambda history: history.rows(sql)


def objects(type_: str) -> Rows:
    return lambda history: history.objects(type_)


def befalls(of: Rows) -> Callable[[Plant], Plant]:
    """Add a kind of drift, named after its function."""

    def add(plant: Plant) -> Plant:
        DRIFTS.append(Drift(plant.__name__, of, plant))
        return plant

    return add


MOVEMENTS: Final = rows(
    "SELECT m.stripe_balance_transaction_id AS txn, m.source, t.id, t.reference, t.campaign_id,"
    " m.occurred_at, c.public_id AS campaign FROM stripe_movement m"
    " JOIN ledger_transaction t ON t.id = m.transaction_id"
    " JOIN campaign c ON c.id = t.campaign_id ORDER BY t.id"
)
PAYMENTS: Final = rows(
    "SELECT p.*, m.stripe_balance_transaction_id AS txn, g.public_id AS pledge FROM payment p"
    " JOIN pledge g ON g.id = p.pledge_id"
    " JOIN stripe_movement m ON m.source = p.stripe_charge_id AND m.type = 'charge' ORDER BY p.id"
)
REFUNDS: Final = rows(
    "SELECT r.*, m.stripe_balance_transaction_id AS txn FROM refund r"
    " JOIN stripe_movement m ON m.source = r.stripe_refund_id ORDER BY r.id"
)
TRANSFERS: Final = rows("SELECT * FROM transfer WHERE stripe_transfer_id IS NOT NULL ORDER BY id")
DISPUTES: Final = rows("SELECT * FROM dispute ORDER BY id")
LIVE: Final = rows("SELECT * FROM campaign WHERE status = 'live' ORDER BY id")
DOCUMENTS: Final = rows(
    "SELECT s.id, d.number FROM settlement s JOIN document d ON d.id = s.document_id ORDER BY s.id"
)
SERIES: Final = rows("SELECT * FROM document_series ORDER BY id")
CHECKPOINTS: Final = rows("SELECT * FROM ledger_checkpoint ORDER BY account")
CALLS: Final = rows(
    "SELECT * FROM attempt WHERE kind IN ('refund_create', 'transfer_create') ORDER BY id"
)


def same_but(history: History, table: str, row: Row, **changed: object) -> None:
    """Write a row once more, with other values in some columns (SQL, not text)."""
    names = [name for name in row if name not in {"txn", "pledge", "campaign"}]
    values = ", ".join(str(changed.get(name, name)) for name in names)
    history.by_hand(
        f"INSERT INTO {table} ({', '.join(names)})"  # noqa: S608
        f" SELECT {values} FROM {table} WHERE id = {row['id']}"
    )
