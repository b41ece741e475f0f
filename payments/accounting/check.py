"""Check the ledger: recompute all of it, and compare it with the documents it must agree with."""

from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from payments.accounting.checks import documents
from payments.ledger import integrity, kinds
from payments.ledger.faults import Check, Fault
from payments.ledger.models import LedgerEntry, LedgerTransaction, StripeMovement

_OF_THE_LEDGER: Final[tuple[Check, ...]] = (
    integrity.check_entries,
    integrity.check_accounts,
    integrity.check_kinds,
    integrity.check_equation,
    integrity.check_checkpoints,
    integrity.check_guards,
    integrity.check_movements,
    documents.check_keepers,
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
    """Apply every rule to everything that is posted: the ledger's own, and those of each kind."""

    def count(table: type[Any]) -> int:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    return Report(
        transactions_count=count(LedgerTransaction),
        entries_count=count(LedgerEntry),
        movements_count=count(StripeMovement),
        faults=tuple(fault for check in _checks() for fault in check(session)),
    )


def _checks() -> list[Check]:
    """Return each check once, in the order of what it concerns."""
    of_kinds = (check for kind in kinds.iter_kinds() for check in kind.checks)
    return list(dict.fromkeys((*_OF_THE_LEDGER, *of_kinds)))
