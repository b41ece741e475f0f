"""Compare Stripe's balance transactions with our movements, both ways, to the cent.

Both lists are read newest first and walked side by side, second by second, so any number of
movements is compared in constant memory.
"""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.clock import Clock
from octo.database import db, reading, transaction
from payments.gateway.client import Gateway
from payments.ledger.drafts import MovementFacts
from payments.ledger.integrity import check_movements
from payments.models import Discrepancy, Standing, StripeMovement
from payments.reconciliation.standing import Run, begin_whole, finish

ROWS_AT_A_TIME: Final = 500


class DifferenceKind(StrEnum):
    """How Stripe and the ledger may differ."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    DIFFERENT = "different"
    MISBOOKED = "misbooked"


@dataclass(frozen=True)
class Difference:
    """One movement on which Stripe and the ledger do not agree, and both sides of it."""

    kind: DifferenceKind
    subject: str
    campaign_id: int | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kept:
    """One of our movements, as Stripe would tell it."""

    facts: MovementFacts
    campaign_id: int | None


@dataclass
class Comparison:
    """What was compared, and every difference; amounts in minor units, by currency."""

    stripe_count: int = 0
    kept_count: int = 0
    stripe_net: dict[str, int] = field(default_factory=dict)
    kept_net: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    newest: datetime | None = None

    def count(self, theirs: Iterable[MovementFacts], ours: Iterable[Kept]) -> None:
        """Add movements of both sides to what was compared."""
        for seen in theirs:
            self.stripe_count += 1
            self.stripe_net[seen.currency] = self.stripe_net.get(seen.currency, 0) + seen.net
            self.newest = max(self.newest or seen.occurred_at, seen.occurred_at)
        for known in (kept.facts for kept in ours):
            self.kept_count += 1
            self.kept_net[known.currency] = self.kept_net.get(known.currency, 0) + known.net

    def summary(self) -> str:
        """Say in one line what was compared and how it ended."""
        return (
            f"{self.stripe_count} movements at Stripe, {self.kept_count} here: "
            f"{len(self.differences) or 'no'} differences"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as JSON can carry it."""
        report = asdict(self)
        del report["newest"]
        return report


def reconcile(gateway: Gateway, *, clock: Clock) -> Comparison:
    """Compare everything now, and keep what differs until it is explained."""
    return run_comparison(begin_whole(clock=clock), gateway=gateway, clock=clock)


def run_comparison(run: Run, *, gateway: Gateway, clock: Clock) -> Comparison:
    """Carry out a comparison that was begun.

    Ours are read as of the beginning: all of them were at Stripe by then. What Stripe moved
    since is named by this run and, once adopted, resolved by the next.
    """
    with _kept_movements(run.since) as kept:
        comparison = compare(gateway.list_movements(since=run.since), kept)
    with reading() as session:
        comparison.differences += _misbooked(session)
    _keep(comparison, run, at=clock.now())
    return comparison


def compare(stripe: Iterable[MovementFacts], kept: Iterable[Kept]) -> Comparison:
    """Walk both lists, each newest first."""
    comparison = Comparison()
    both: Iterator[MovementFacts | Kept]
    both = heapq.merge(stripe, kept, key=_occurred_at, reverse=True)
    for _, same_second in groupby(both, key=_occurred_at):
        theirs: dict[str, MovementFacts] = {}
        ours: dict[str, Kept] = {}
        for one in same_second:
            if isinstance(one, Kept):
                ours[one.facts.stripe_balance_transaction_id] = one
            else:
                theirs[one.stripe_balance_transaction_id] = one
        comparison.count(theirs.values(), ours.values())
        comparison.differences += _differences(theirs, ours)
    return comparison


def _occurred_at(one: MovementFacts | Kept) -> datetime:
    return one.facts.occurred_at if isinstance(one, Kept) else one.occurred_at


def _differences(theirs: dict[str, MovementFacts], ours: dict[str, Kept]) -> Iterator[Difference]:
    for stripe_id, seen in theirs.items():
        known = ours.get(stripe_id)
        if known is None:
            details = {"stripe": _told(seen)}
            yield Difference(DifferenceKind.MISSING_HERE, stripe_id, details=details)
        elif replace(seen, exchange_rate=None) != known.facts:
            details = {"stripe": _told(seen), "here": _told(known.facts)}
            yield Difference(DifferenceKind.DIFFERENT, stripe_id, known.campaign_id, details)
    for stripe_id, known in ours.items():
        if stripe_id not in theirs:
            details = {"here": _told(known.facts)}
            yield Difference(DifferenceKind.MISSING_THERE, stripe_id, known.campaign_id, details)


def _told(facts: MovementFacts) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(facts).items()
    }


def _misbooked(session: Session) -> Iterator[Difference]:
    """Name the movements whose ledger transaction does not book Stripe's net."""
    for fault in check_movements(session):
        details = {"what": fault.what}
        yield Difference(DifferenceKind.MISBOOKED, fault.subject, details=details)


@contextmanager
def _kept_movements(since: datetime | None) -> Iterator[Iterator[Kept]]:
    """Read our movements, newest first, on a connection of their own."""
    names = [one.name for one in fields(MovementFacts) if one.name != "exchange_rate"]
    statement = sa.select(
        StripeMovement.campaign_id, *(getattr(StripeMovement, name) for name in names)
    ).order_by(StripeMovement.occurred_at.desc())
    if since is not None:
        statement = statement.where(StripeMovement.occurred_at >= since)
    with db.engine.connect().execution_options(yield_per=ROWS_AT_A_TIME) as connection:
        rows = connection.execute(statement)
        yield (Kept(MovementFacts(*facts), campaign_id) for campaign_id, *facts in rows)


def _keep(comparison: Comparison, run: Run, *, at: datetime) -> None:
    """Write what differs down, and resolve what no longer does."""
    with transaction() as session:
        finish(session, run, standing=Standing.CURRENT, seen_until=comparison.newest)
        known = {(row.kind, row.subject): row for row in session.scalars(sa.select(Discrepancy))}
        found = {(one.kind.value, one.subject): one for one in comparison.differences}
        for key, explained in known.items():
            if run.is_whole and key not in found and explained.resolved_at is None:
                explained.resolved_at = at
        for (kind, subject), one in found.items():
            row = known.get((kind, subject))
            if row is None:
                row = Discrepancy(kind=kind, subject=subject, found_at=at)
                session.add(row)
            elif row.resolved_at is not None:
                row.found_at, row.resolved_at = at, None
            row.campaign_id, row.details = one.campaign_id, one.details
