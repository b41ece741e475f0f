"""What Stripe lists, laid beside these books in temporary tables, for SQL to compare.

Lists are poured in page by page, so any number of objects is compared in constant memory and
whatever their order. No transaction is open while Stripe is asked. What these books knew is
noted before the first page: all of it was at Stripe by then, so whatever of it Stripe does not
list is missing there, and what is taken in meanwhile raises no alarm.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.database import UtcDateTime, db
from payments.gateway.client import Gateway
from payments.gateway.facts import ChargeFact, DisputeFact, RefundFact, TransferFact
from payments.gateway.lists import list_charges, list_disputes, list_refunds, list_transfers
from payments.ledger.models import StripeMovement
from payments.models import Dispute, Payment, Refund, Transfer

ROWS_AT_A_TIME: Final = 500

_metadata = sa.MetaData()


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(name, _metadata, *columns, prefixes=["TEMPORARY"])


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(500), **options)


def _amount(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger())


def _instant(name: str) -> sa.Column[datetime]:
    return sa.Column(name, UtcDateTime())


MOVEMENTS: Final = _table(
    "seen_movement",
    _text("stripe_balance_transaction_id", primary_key=True),
    _text("type"),
    _text("reporting_category"),
    _text("source"),
    *(_amount("amount"), _amount("fee"), _amount("net")),
    _text("currency"),
    *(_instant("occurred_at"), _instant("available_at")),
    _text("exchange_rate"),
)
CHARGES: Final = _table(
    "seen_charge",
    _text("id", primary_key=True),
    _amount("amount"),
    _text("currency"),
    _instant("created_at"),
    *(_text("transfer_group"), _text("installation"), _text("subject"), _text("campaign")),
)
REFUNDS: Final = _table(
    "seen_refund",
    _text("id", primary_key=True),
    _text("charge"),
    _text("status"),
    _amount("amount"),
    _text("currency"),
    _instant("created_at"),
    sa.Column("has_moved", sa.Boolean()),
    *(_text("installation"), _text("subject"), _text("key")),
)
TRANSFERS: Final = _table(
    "seen_transfer",
    _text("id", primary_key=True),
    *(_amount("amount"), _amount("amount_reversed")),
    _text("currency"),
    _instant("created_at"),
    *(_text("destination"), _text("transfer_group"), _text("document")),
    *(_text("installation"), _text("subject"), _text("key")),
)
DISPUTES: Final = _table(
    "seen_dispute",
    _text("id", primary_key=True),
    _text("charge"),
    _text("status"),
    _amount("amount"),
    _text("currency"),
    _instant("created_at"),
)
KNOWN: Final = _table(
    "known_before", _text("what", primary_key=True), _text("id", primary_key=True)
)

_DISPUTE_STATUSES: Final = {"won": "won", "lost": "lost", "warning_closed": "closed"}


@contextmanager
def open_mirror() -> Iterator["Mirror"]:
    """Make the tables on a connection of their own, and leave nothing of them behind."""
    with db.engine.connect() as connection:
        with connection.begin():
            _metadata.create_all(connection, checkfirst=False)
        try:
            yield Mirror(connection)
        except BaseException:
            connection.invalidate()  # and with it its temporary tables
            raise
        with connection.begin():
            _metadata.drop_all(connection, checkfirst=False)


class Mirror:
    """The temporary tables of one comparison."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def note_known(self, since: datetime | None) -> None:
        """Note what these books have, before Stripe is asked; objects with a whole comparison."""
        movements = sa.select(sa.literal("movement"), StripeMovement.stripe_balance_transaction_id)
        if since is not None:
            movements = movements.where(StripeMovement.occurred_at >= since)
            self._note(movements)
            return
        self._note(movements)
        for what, column in (
            ("charge", Payment.stripe_charge_id),
            ("refund", Refund.stripe_refund_id),
            ("transfer", Transfer.stripe_transfer_id),
            ("dispute", Dispute.stripe_dispute_id),
        ):
            self._note(sa.select(sa.literal(what), column).where(column.is_not(None)))

    def fill(
        self, gateway: Gateway, since: datetime | None, *, on_page: Callable[[], None]
    ) -> None:
        """Pour Stripe's lists in, movements first: the object behind each is listed after it."""
        movements = map(asdict, gateway.list_movements(since=since))
        charges = list_charges(gateway, since=since)
        self._pour(MOVEMENTS, movements, on_page)
        self._pour(CHARGES, (_charge(one) for one in charges if one.status == "succeeded"), on_page)
        self._pour(REFUNDS, map(_refund, list_refunds(gateway, since=since)), on_page)
        self._pour(TRANSFERS, map(_transfer, list_transfers(gateway, since=since)), on_page)
        self._pour(DISPUTES, map(_dispute, list_disputes(gateway, since=since)), on_page)
        if self._connection.dialect.name == "postgresql":
            with self._connection.begin():
                self._connection.execute(sa.text("ANALYZE " + ", ".join(_metadata.tables)))

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Read the tables beside the books as they are now."""
        with Session(bind=self._connection) as session:
            yield session

    def _note(self, rows: sa.Select[Any, Any]) -> None:
        with self._connection.begin():
            self._connection.execute(sa.insert(KNOWN).from_select(["what", "id"], rows))

    def _pour(
        self, table: sa.Table, rows: Iterable[Mapping[str, Any]], on_page: Callable[[], None]
    ) -> None:
        """Insert a list as long as it is; an object listed twice, as pages shift, counts once."""
        left = iter(rows)
        seen = table.primary_key.columns.values()[0]
        while batch := list(islice(left, ROWS_AT_A_TIME)):
            unique = {one[seen.name]: dict(one) for one in batch}
            with self._connection.begin():
                self._connection.execute(sa.delete(table).where(seen.in_(unique)))
                self._connection.execute(sa.insert(table), list(unique.values()))
            on_page()


def _charge(seen: ChargeFact) -> dict[str, Any]:
    return {
        "id": seen.id,
        "amount": seen.amount,
        "currency": seen.currency,
        "created_at": seen.created_at,
        "transfer_group": seen.transfer_group,
        "installation": seen.metadata.get("octo_installation"),
        "subject": seen.metadata.get("octo_payment") or seen.metadata.get("octo_subject"),
        "campaign": seen.metadata.get("octo_campaign") or seen.transfer_group,
    }


def _refund(seen: RefundFact) -> dict[str, Any]:
    return {
        "id": seen.id,
        "charge": seen.charge_id,
        "status": {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}.get(
            seen.status, "pending"
        ),
        "amount": seen.amount,
        "currency": seen.currency,
        "created_at": seen.created_at,
        "has_moved": seen.has_movement,
        **_ours(seen.metadata),
    }


def _transfer(seen: TransferFact) -> dict[str, Any]:
    return {
        "id": seen.id,
        "amount": seen.amount,
        "amount_reversed": seen.amount_reversed,
        "currency": seen.currency,
        "created_at": seen.created_at,
        "destination": seen.destination,
        "transfer_group": seen.transfer_group,
        "document": seen.metadata.get("octo_document"),
        **_ours(seen.metadata),
    }


def _dispute(seen: DisputeFact) -> dict[str, Any]:
    is_inquiry = seen.status.startswith("warning_")
    return {
        "id": seen.id,
        "charge": seen.charge_id,
        "status": _DISPUTE_STATUSES.get(seen.status, "inquiry" if is_inquiry else "opened"),
        "amount": seen.amount,
        "currency": seen.currency,
        "created_at": seen.created_at,
    }


def _ours(metadata: Mapping[str, str]) -> dict[str, str | None]:
    names = ("installation", "subject", "key")
    return {name: metadata.get(f"octo_{name}") for name in names}
