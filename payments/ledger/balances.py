"""Balances: a checkpoint for each account plus the short tail of entries after it.

Postings only append, so a hot account makes nobody wait; now and then the tail is folded
into the checkpoints. A balance is debits less credits, in minor units.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.database import reading, transaction
from octo.writers import find_writers, have_ended
from payments.ledger.models import LedgerCheckpoint, LedgerEntry, LedgerTransaction

WRITERS_TIMEOUT_SECONDS: Final = 5.0
_TABLE: Final = LedgerTransaction.__tablename__
Side = sa.Select[int, str, str, int]


def balance_of(account: str, currency: str = "EUR") -> int:
    """Return the balance of one account."""
    with reading() as session:
        total = session.scalar(
            sa.select(sa.func.sum(_KEPT.c.amount)).where(
                _KEPT.c.account == account, _KEPT.c.currency == currency
            )
        )
    return int(total or 0)


def balances_of(session: Session, currency: str) -> dict[str, int]:
    """Return the balance of every account that ever moved, in one query."""
    rows = session.execute(
        sa.select(_KEPT.c.account, sa.func.sum(_KEPT.c.amount))
        .where(_KEPT.c.currency == currency)
        .group_by(_KEPT.c.account)
    )
    return {account: int(total) for account, total in rows}


def fold_balances() -> int:
    """Fold what nobody can write before any more into the checkpoints; return how many moved.

    On PostgreSQL ids are given before commits, so a smaller id may appear after a larger
    one: whoever could still commit such a one is waited for. Nobody ever waits for the fold.
    """
    with reading() as session:
        through_id = session.scalar(sa.select(sa.func.max(LedgerTransaction.id)))
        writers = find_writers(session, _TABLE)
    if through_id is None or not have_ended(
        writers, _TABLE, within_seconds=WRITERS_TIMEOUT_SECONDS
    ):
        return 0
    with transaction() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(_ONE_FOLD_AT_A_TIME)
        moved = session.execute(_FOLD, {"through_id": through_id})
        return len(moved.all())


def sides(*wanted: sa.ColumnElement[bool]) -> list[Side]:
    """Give each entry twice: added to the debited account, taken from the credited one.

    Two selects for a ``union_all``, which does not nest on SQLite.
    """
    entry = LedgerEntry
    return [
        sa.select(
            entry.transaction_id, entry.debit.label("account"), entry.currency, entry.amount
        ).where(*wanted),
        sa.select(entry.transaction_id, entry.credit, entry.currency, -entry.amount).where(*wanted),
    ]


_FOLDED_THROUGH: Final = sa.select(
    sa.func.coalesce(sa.func.max(LedgerCheckpoint.through_id), 0)
).scalar_subquery()
_KEPT: Final = sa.union_all(
    sa.select(
        LedgerCheckpoint.through_id,
        LedgerCheckpoint.account,
        LedgerCheckpoint.currency,
        LedgerCheckpoint.balance.label("amount"),
    ),
    *sides(LedgerEntry.transaction_id > _FOLDED_THROUGH),
).subquery("kept")
_ONE_FOLD_AT_A_TIME: Final = sa.text("LOCK TABLE ledger_checkpoint IN SHARE ROW EXCLUSIVE MODE")
_FOLD: Final = sa.text("""
INSERT INTO ledger_checkpoint (account, currency, balance, through_id)
SELECT account, currency, sum(amount), CAST(:through_id AS bigint) FROM (
    SELECT transaction_id, debit AS account, currency, amount FROM ledger_entry
    UNION ALL
    SELECT transaction_id, credit, currency, -amount FROM ledger_entry
) AS side
WHERE transaction_id <= :through_id
    AND transaction_id > (SELECT coalesce(max(through_id), 0) FROM ledger_checkpoint)
GROUP BY account, currency
ON CONFLICT (account, currency) DO UPDATE SET
    balance = ledger_checkpoint.balance + excluded.balance,
    through_id = excluded.through_id
RETURNING account
""")
