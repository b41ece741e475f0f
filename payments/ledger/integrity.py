"""Rules of the ledger itself: each is a function that yields the faults it finds.

Triggers and constraints make most of them impossible; a restored backup or a hand in the
database does not ask them.
"""

from collections import defaultdict
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from payments.ledger import accounts, kinds
from payments.ledger.balances import sides
from payments.ledger.faults import Fault
from payments.ledger.models import (
    LedgerCheckpoint,
    LedgerEntry,
    LedgerGuard,
    LedgerTransaction,
    StripeMovement,
)


def check_entries(session: Session) -> Iterator[Fault]:
    """Every entry moves a positive amount between two accounts of one known transaction."""
    entry, transaction = LedgerEntry, LedgerTransaction
    is_wrong = sa.or_(
        entry.amount <= 0,
        entry.debit == entry.credit,
        sa.func.length(entry.currency) != 3,  # noqa: PLR2004 - ISO 4217 codes have three letters
        transaction.id.is_(None),
    )
    found = session.execute(
        sa.select(entry.transaction_id, entry.position, transaction.campaign_id)
        .outerjoin(transaction, transaction.id == entry.transaction_id)
        .where(is_wrong)
    )
    for transaction_id, position, campaign_id in found:
        what = "is not a movement of money"
        yield Fault("entries", f"{transaction_id}/{position}", what, campaign_id)
    empty = session.execute(
        sa.select(transaction.reference, transaction.campaign_id)
        .outerjoin(entry, entry.transaction_id == transaction.id)
        .where(entry.transaction_id.is_(None))
    )
    for reference, campaign_id in empty:
        yield Fault("entries", reference, "has no entry", campaign_id)


def check_accounts(session: Session) -> Iterator[Fault]:
    """Every account stands in the chart, and each transaction keeps to one currency."""
    for account, _currency in recompute(session):
        if accounts.find_kind(account) is None:
            yield Fault("accounts", account, "is not in the chart of accounts")
    mixed = session.scalars(
        sa.select(LedgerEntry.transaction_id)
        .group_by(LedgerEntry.transaction_id)
        .having(sa.func.count(LedgerEntry.currency.distinct()) > 1)
    )
    for transaction_id in mixed:
        yield Fault("accounts", str(transaction_id), "mixes currencies")


def check_kinds(session: Session) -> Iterator[Fault]:
    """Every transaction is of a declared kind, and moves nothing that its kind does not."""
    side = sa.union_all(*sides()).subquery()
    transaction = LedgerTransaction
    moved = session.execute(
        sa.select(transaction.kind, side.c.account, sa.func.min(transaction.reference))
        .join(side, side.c.transaction_id == transaction.id)
        .group_by(transaction.kind, side.c.account)
    )
    for name, account, reference in moved:
        if name not in kinds.kind_names():
            yield Fault("kinds", reference, f"is of no known kind: {name}")
            continue
        found = accounts.find_kind(account)
        if found and found.column and found.column not in kinds.get_kind(name).columns:
            yield Fault("kinds", reference, f"moves {account}, which {name} does not")


def check_equation(session: Session) -> Iterator[Fault]:
    """Assets = liabilities + income - expenses + equity, in every currency."""
    totals: dict[str, dict[accounts.Category, int]] = defaultdict(lambda: defaultdict(int))
    for (account, currency), balance in recompute(session).items():
        if kind := accounts.find_kind(account):
            totals[currency][kind.category] += balance
    for currency, total in totals.items():
        owned = total[accounts.Category.ASSET]
        owed = -total[accounts.Category.LIABILITY] - total[accounts.Category.EQUITY]
        earned = -total[accounts.Category.INCOME] - total[accounts.Category.EXPENSE]
        if owned != owed + earned:
            yield Fault("equation", currency, f"assets {owned}, the rest {owed + earned}")


def check_checkpoints(session: Session) -> Iterator[Fault]:
    """Every kept balance equals the one recomputed from the entries it stands for."""
    folded_through = session.scalar(sa.select(sa.func.max(LedgerCheckpoint.through_id))) or 0
    recomputed = recompute(session, LedgerEntry.transaction_id <= folded_through)
    kept = {
        (account, currency): balance
        for account, currency, balance in session.execute(
            sa.select(LedgerCheckpoint.account, LedgerCheckpoint.currency, LedgerCheckpoint.balance)
        )
    }
    for account in sorted(kept.keys() | recomputed.keys()):
        held, true = kept.get(account, 0), recomputed.get(account, 0)
        if held != true:
            yield Fault("checkpoints", " ".join(account), f"is kept as {held} and is {true}")


def check_guards(session: Session) -> Iterator[Fault]:
    """Every guarded account is kept as what its entries leave on it, which is not below zero."""
    left: dict[tuple[str, str], int] = {}
    recomputed = recompute(session)
    guard = LedgerGuard
    kept = {
        (account, currency): balance
        for account, currency, balance in session.execute(
            sa.select(guard.account, guard.currency, guard.balance)
        )
    }
    for (account, currency), balance in recomputed.items():
        kind = accounts.find_kind(account)
        if kind and (kind.is_guarded or (account, currency) in kept):
            sign = 1 if kind.normal_side is accounts.Side.DEBIT else -1
            left[account, currency] = sign * balance
    for key in sorted(kept.keys() | left.keys()):
        held, true = kept.get(key, 0), left.get(key, 0)
        if held != true or held < 0:
            yield Fault("guards", " ".join(key), f"is guarded at {held} and holds {true}")


def check_movements(session: Session, *, after_id: int = 0) -> Iterator[Fault]:
    """One movement, one transaction: what it adds to the Stripe balance is Stripe's net.

    ``after_id`` leaves out the ledger transactions up to it.
    """
    stripe_side = _booked_on_stripe(after_id)
    movement, transaction = StripeMovement, LedgerTransaction
    found = session.execute(
        sa.select(
            transaction.reference,
            sa.func.coalesce(movement.campaign_id, transaction.campaign_id).label("campaign_id"),
            movement.stripe_balance_transaction_id,
            movement.net,
            movement.currency,
            sa.func.coalesce(stripe_side.c.amount, 0).label("booked"),
            stripe_side.c.currency.label("booked_currency"),
        )
        .select_from(transaction)
        .outerjoin(stripe_side, stripe_side.c.transaction_id == transaction.id)
        .outerjoin(movement, movement.transaction_id == transaction.id)
        .where(
            transaction.id > after_id,
            sa.or_(stripe_side.c.amount.is_not(None), movement.transaction_id.is_not(None)),
        )
        .where(
            sa.or_(
                movement.net.is_distinct_from(sa.func.coalesce(stripe_side.c.amount, 0)),
                movement.currency.is_distinct_from(stripe_side.c.currency),
                movement.net != movement.amount - movement.fee,
                movement.occurred_at != transaction.occurred_at,
                movement.campaign_id.is_distinct_from(transaction.campaign_id),
            )
        )
    )
    for row in found:
        if row.stripe_balance_transaction_id is None:
            what = f"books {row.booked} at Stripe by no movement"
            yield Fault("movements", row.reference, what, row.campaign_id)
        else:
            moved, booked = f"{row.net} {row.currency}", f"{row.booked} {row.booked_currency}"
            what = f"moved {moved}, {row.reference} books {booked}"
            yield Fault("movements", row.stripe_balance_transaction_id, what, row.campaign_id)
    orphans = session.execute(
        sa.select(movement.stripe_balance_transaction_id, movement.campaign_id)
        .outerjoin(transaction, transaction.id == movement.transaction_id)
        .where(transaction.id.is_(None), movement.transaction_id > after_id)
    )
    for stripe_id, campaign_id in orphans:
        yield Fault("movements", stripe_id, "has no ledger transaction", campaign_id)


def _booked_on_stripe(after_id: int) -> sa.Subquery:
    side = sa.union_all(*sides(LedgerEntry.transaction_id > after_id)).subquery()
    return (
        sa.select(
            side.c.transaction_id,
            sa.func.sum(side.c.amount).label("amount"),
            sa.func.max(side.c.currency).label("currency"),
        )
        .where(side.c.account == accounts.MOVED_BY_STRIPE)
        .group_by(side.c.transaction_id)
        .subquery("booked")
    )


def recompute(session: Session, *wanted: sa.ColumnElement[bool]) -> dict[tuple[str, str], int]:
    """Sum the entries alone, by account and currency, without any checkpoint."""
    side = sa.union_all(*sides(*wanted)).subquery()
    rows = session.execute(
        sa.select(side.c.account, side.c.currency, sa.func.sum(side.c.amount)).group_by(
            side.c.account, side.c.currency
        )
    )
    return {(account, currency): int(total) for account, currency, total in rows}
