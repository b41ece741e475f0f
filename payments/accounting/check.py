"""Check the ledger: recompute all of it, and compare it with the documents it must agree with."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from payments.accounting.checks import documents, obligations, pledges
from payments.ledger import integrity
from payments.ledger.integrity import Fault
from payments.ledger.models import LedgerEntry, LedgerTransaction, StripeMovement

Rule = Callable[[Session], Iterator[Fault]]

RULES: Final[tuple[Rule, ...]] = (
    integrity.check_entries,
    integrity.check_accounts,
    integrity.check_equation,
    integrity.check_checkpoints,
    integrity.check_movements,
    documents.check_campaigns,
    documents.check_keepers,
    documents.check_settlements,
    documents.check_transfers,
    obligations.check_owners,
    obligations.check_disputes,
    obligations.check_owed,
    pledges.check_counted,
    pledges.check_paid,
    pledges.check_fees,
)


@dataclass(frozen=True)
class Report:
    """What was looked at, and what was found wrong."""

    transactions_count: int
    entries_count: int
    movements_count: int
    faults: tuple[Fault, ...]

    def summary(self) -> str:
        """Say in one line what was looked at and how it ended."""
        return (
            f"{self.transactions_count} transactions, {self.entries_count} entries, "
            f"{self.movements_count} movements: {len(self.faults) or 'no'} faults"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON can carry it."""
        return asdict(self)


def check_ledger(session: Session) -> Report:
    """Apply every rule to everything that is posted."""

    def count(table: type[Any]) -> int:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    return Report(
        transactions_count=count(LedgerTransaction),
        entries_count=count(LedgerEntry),
        movements_count=count(StripeMovement),
        faults=tuple(fault for rule in RULES for fault in rule(session)),
    )
