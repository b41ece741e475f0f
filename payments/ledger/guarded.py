"""Guarded accounts: each has a row that says what is left on it, which may not go below zero.

The row is changed with the entries, under its own lock, and the database refuses a balance
below zero: two postings at once can never spend the same money.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from octo.errors import ConflictError
from payments.ledger import accounts
from payments.ledger.drafts import TransactionDraft

MAY_NOT_BE_OVERDRAWN = "not_overdrawn"


class AccountOverdrawnError(ConflictError):
    """A guarded account does not hold what would be taken from it."""

    code = "account_overdrawn"


@dataclass(frozen=True, slots=True, order=True)
class GuardChange:
    """What a draft adds to a guarded account on its normal side, in minor units; or takes off."""

    account: str
    currency: str
    reference: str
    amount: int


def changes_of(drafts: Iterable[TransactionDraft]) -> list[GuardChange]:
    """Return what drafts do to guarded accounts, in the order in which those are locked."""
    guarded = {kind.name: kind for kind in accounts.iter_kinds() if kind.is_guarded}
    if not guarded:
        return []
    changes: Counter[tuple[str, str, str]] = Counter()
    for draft in drafts:
        for entry in draft.entries:
            for account, side in (
                (entry.debit, accounts.Side.DEBIT),
                (entry.credit, accounts.Side.CREDIT),
            ):
                if kind := guarded.get(account.partition(":")[0]):
                    sign = 1 if kind.normal_side is side else -1
                    changes[account, entry.currency, draft.reference] += sign * entry.amount
    return sorted(GuardChange(*key, amount) for key, amount in changes.items())
