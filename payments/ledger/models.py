"""The ledger's tables: append-only, balanced by construction, refused any change by triggers."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler

from octo.database import Currency, Id, Instant, Minor, Model, big_id
from payments.ledger.guarded import MAY_NOT_BE_OVERDRAWN
from payments.ledger.kinds import kind_names

ACCOUNT_LENGTH = 60
KIND_LENGTH = 24
REFERENCE_LENGTH = 120


class _KindIsKnown(sa.ColumnElement[bool]):
    """``kind`` is one that was declared, whenever that is asked: kinds are declared above."""


@compiles(_KindIsKnown)
def _compile_known(_element: _KindIsKnown, _compiler: SQLCompiler, **_options: Any) -> str:
    return f"kind IN ({', '.join(repr(name) for name in kind_names())})"


class LedgerTransaction(Model):
    """A balanced, immutable set of entries with one reference.

    ``occurred_at`` is Stripe's ``created`` where Stripe is the source; ``posted_at`` is
    machine time.
    """

    __tablename__ = "ledger_transaction"
    __table_args__ = (
        sa.CheckConstraint(_KindIsKnown(), name="transaction_kind_known"),
        sa.Index("ix_ledger_transaction_campaign_id", "campaign_id", "id"),
    )

    id: Mapped[Id]
    reference: Mapped[str] = mapped_column(sa.String(REFERENCE_LENGTH), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(KIND_LENGTH))
    campaign_id: Mapped[int | None] = big_id("campaign.id")
    occurred_at: Mapped[Instant]
    posted_at: Mapped[Instant]


class LedgerEntry(Model):
    """One row that moves a positive amount from a credited account to a debited one.

    Keyed by its transaction, so that what came after a checkpoint is one range of the
    indexes on accounts and nothing else needs to be kept in step.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        sa.CheckConstraint("position > 0", name="numbered_from_one"),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("debit <> credit", name="two_accounts"),
        sa.CheckConstraint("length(currency) = 3", name="currency_is_a_code"),
        sa.Index("ix_ledger_entry_debit", "debit", "transaction_id"),
        sa.Index("ix_ledger_entry_credit", "credit", "transaction_id"),
    )

    transaction_id: Mapped[int] = big_id(
        "ledger_transaction.id", primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(sa.SmallInteger(), primary_key=True, autoincrement=False)
    debit: Mapped[str] = mapped_column(sa.String(ACCOUNT_LENGTH))
    credit: Mapped[str] = mapped_column(sa.String(ACCOUNT_LENGTH))
    amount: Mapped[Minor]
    currency: Mapped[Currency]


class LedgerCheckpoint(Model):
    """The balance of one account up to a transaction: a cache that can always be recomputed.

    ``balance`` is debits less credits, in minor units, of every transaction up to
    ``through_id``, which no later commit can slip under.
    """

    __tablename__ = "ledger_checkpoint"

    account: Mapped[str] = mapped_column(sa.String(ACCOUNT_LENGTH), primary_key=True)
    currency: Mapped[str] = mapped_column(sa.String(3), primary_key=True)
    balance: Mapped[Minor]
    through_id: Mapped[int] = mapped_column(sa.BigInteger(), index=True)


class LedgerGuard(Model):
    """What is left on one guarded account, changed with its entries and never below zero.

    ``balance`` counts on the account's normal side, in minor units.
    """

    __tablename__ = "ledger_guard"
    __table_args__ = (sa.CheckConstraint("balance >= 0", name=MAY_NOT_BE_OVERDRAWN),)

    account: Mapped[str] = mapped_column(sa.String(ACCOUNT_LENGTH), primary_key=True)
    currency: Mapped[str] = mapped_column(sa.String(3), primary_key=True)
    balance: Mapped[Minor]


class StripeMovement(Model):
    """One Stripe balance transaction (``txn_``), kept as a fact with what it booked.

    Amounts in minor units as Stripe signs them: positive comes in, negative goes out.
    """

    __tablename__ = "stripe_movement"
    __table_args__ = (
        sa.CheckConstraint("net = amount - fee", name="net_is_amount_less_fee"),
        sa.Index("ix_stripe_movement_source", "source"),
        sa.Index("ix_stripe_movement_occurred_at", "occurred_at"),
        sa.Index("ix_stripe_movement_campaign_id", "campaign_id"),
    )

    stripe_balance_transaction_id: Mapped[str] = mapped_column(sa.String(255), primary_key=True)
    transaction_id: Mapped[int] = big_id("ledger_transaction.id", unique=True)
    campaign_id: Mapped[int | None] = big_id("campaign.id")
    type: Mapped[str] = mapped_column(sa.String(60))
    reporting_category: Mapped[str] = mapped_column(sa.String(60))
    source: Mapped[str | None] = mapped_column(sa.String(255))
    amount: Mapped[Minor]
    fee: Mapped[Minor]
    net: Mapped[Minor]
    currency: Mapped[Currency]
    occurred_at: Mapped[Instant]
    available_at: Mapped[Instant]
