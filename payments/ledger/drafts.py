"""What is handed to posting: transactions and entries not yet written, and Stripe's facts."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """A positive amount, in minor units, from the credited account to the debited one."""

    debit: str
    credit: str
    amount: int
    currency: str

    def __post_init__(self) -> None:
        assert self.amount > 0, f"an entry of {self.amount}: every entry moves something"

    def mirrored(self) -> "EntryDraft":
        """Return the entry that undoes this one."""
        return EntryDraft(self.credit, self.debit, self.amount, self.currency)

    def effect_on(self, account: str) -> int:
        """Return what this entry adds to the balance of an account: debits less credits."""
        return self.amount * ((self.debit == account) - (self.credit == account))


@dataclass(frozen=True, slots=True)
class TransactionDraft:
    """A ledger transaction to be: the same ``reference`` is only ever written once.

    ``occurred_at`` is Stripe's ``created`` where Stripe is the source.
    """

    reference: str
    kind: str
    occurred_at: datetime
    campaign_id: int | None
    entries: tuple[EntryDraft, ...]

    def __post_init__(self) -> None:
        assert self.entries, f"{self.reference} has no entry"
        assert self.occurred_at.tzinfo is not None, f"{self.reference} has a naive instant"

    def effect_on(self, account: str) -> int:
        """Return what this transaction adds to the balance of an account."""
        return sum(entry.effect_on(account) for entry in self.entries)


@dataclass(frozen=True, slots=True)
class MovementFacts:
    """One Stripe balance transaction as Stripe tells it; amounts in minor units, signed.

    ``currency`` is written as ours are (``EUR``). ``exchange_rate`` is there only when
    Stripe converted the money, which we refuse.
    """

    stripe_balance_transaction_id: str
    type: str
    reporting_category: str
    source: str | None
    amount: int
    fee: int
    net: int
    currency: str
    occurred_at: datetime
    available_at: datetime
    exchange_rate: str | None = None
