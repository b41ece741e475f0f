"""Compare these books with Stripe: movements, the objects behind them, and the ledger itself.

What Stripe did lately and we have not heard of is only news: it is taken in as its event would
have been, and what is left then differs.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.clock import Clock
from octo.config import Settings
from octo.database import reading, snapshot
from payments.accounting.check import check_ledger
from payments.gateway.client import Gateway
from payments.gateway.lists import fetch_balances
from payments.ledger.faults import Fault
from payments.ledger.integrity import check_movements
from payments.ledger.models import LedgerTransaction, StripeMovement
from payments.reconciliation import document_numbers, movements, objects
from payments.reconciliation.catch_up import catch_up
from payments.reconciliation.discrepancies import (
    OBJECTS_MISSING_HERE,
    Comparison,
    Difference,
    DifferenceKind,
)
from payments.reconciliation.mirror import Mirror, open_mirror
from payments.reconciliation.pairs import PAIRS
from payments.reconciliation.record import keep_comparison, kept_keys
from payments.reconciliation.run import Run, begin_whole, keep
from payments.settings import StripeSettings

KEEP_EVERY_SECONDS: Final = 3.0
_PROGRESS: Final = frozenset({"status", "amount_reversed"})


def reconcile(*, gateway: Gateway, settings: Settings, clock: Clock) -> Comparison:
    """Compare everything now, and keep what differs until it is gone or explained."""
    run = begin_whole(clock=clock)
    return run_comparison(run, gateway=gateway, settings=settings, clock=clock)


def run_comparison(run: Run, *, gateway: Gateway, settings: Settings, clock: Clock) -> Comparison:
    """Carry out a comparison that was begun; raises ``StripeAwayError``, with nothing kept."""
    comparison = Comparison(is_whole=run.is_whole)
    with open_mirror() as mirror:
        mirror.note_known(run.since)
        held = fetch_balances(gateway) if run.is_whole else None
        noted = document_numbers.fetch_numbers(gateway, settings)
        mirror.fill(gateway, run.since, on_page=_Keeper(run, clock))
        is_quiet = held is not None and held == fetch_balances(gateway)
        with mirror.reading() as session:
            movements.count(session, comparison)
        found = _differences(mirror, settings, noted)
        if news := _news(found, run):
            comparison.taken_in = catch_up(news, gateway=gateway, settings=settings, clock=clock)
            found = _differences(mirror, settings, noted)
    with snapshot() as session:
        found += _broken_books(session, run)
    if held is not None and is_quiet:
        found += _other_balances(held, comparison)
    comparison.differences = found
    keep_comparison(comparison, run, clock=clock)
    return comparison


class _Keeper:
    """Hold a comparison while its pages are read, without a commit for each page."""

    def __init__(self, run: Run, clock: Clock) -> None:
        self._run = run
        self._clock = clock
        self._kept = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._kept >= KEEP_EVERY_SECONDS:
            keep(self._run, clock=self._clock)
            self._kept = time.monotonic()


def _differences(mirror: Mirror, settings: Settings, noted: Mapping[str, int]) -> list[Difference]:
    """Name what differs now; a movement goes without saying when its object is named."""
    with mirror.reading() as session:
        found = list(
            objects.find_differences(session, installation=settings.of(StripeSettings).installation)
        )
        found += document_numbers.find_forgotten(session, noted)
        named = {one.subject for one in found if one.kind in OBJECTS_MISSING_HERE}
        found += [
            one
            for one in movements.find_differences(session)
            if one.kind is not DifferenceKind.MISSING_HERE or one.source not in named
        ]
    return found


def _other_balances(held: dict[str, int], comparison: Comparison) -> Iterator[Difference]:
    """Name the currencies of which Stripe holds another amount than its own movements add up to.

    Only asked when nothing moved while they were listed.
    """
    for currency in sorted(held.keys() | comparison.stripe_net.keys()):
        listed = comparison.stripe_net.get(currency, 0)
        if held.get(currency, 0) != listed:
            details = {"stripe": {"balance": held.get(currency, 0), "movements": listed}}
            yield Difference(DifferenceKind.BALANCE_DIFFERENT, currency, details=details)


def _news(found: list[Difference], run: Run) -> list[str]:
    """Return the Stripe objects to take in, unless these books have forgotten what they knew.

    What stood at Stripe when it was last compared was known then: to lack it now is no news.
    """
    with reading() as session:
        known = kept_keys(session, is_explained=False)
        explained = kept_keys(session, is_explained=True)
        is_older = any(
            one.kind is DifferenceKind.FORGOTTEN and one.key not in explained for one in found
        )
        return [
            one.source
            for one in found
            if one.source is not None
            and not is_older
            and (
                one.key in known
                or _is_progress(one)
                or _is_recent(one, run)
                or _is_awaited(session, one)
            )
        ]


def _is_progress(one: Difference) -> bool:
    """Tell whether Stripe's object has only gone on."""
    return "here" in one.details and set(one.details["here"]) <= _PROGRESS


def _is_recent(one: Difference, run: Run) -> bool:
    if one.kind not in OBJECTS_MISSING_HERE | {DifferenceKind.MISSING_HERE}:
        return False
    return run.compared_until is None or (
        one.occurred_at is not None and one.occurred_at > run.compared_until
    )


def _is_awaited(session: Session, one: Difference) -> bool:
    """Tell whether a row of ours still waits for the Stripe object that this is."""
    pair = next((pair for pair in PAIRS if pair.missing_here is one.kind), None)
    subject = one.details.get("stripe", {}).get("subject")
    if pair is None or subject is None:
        return False
    waiting = sa.select(pair.ours.id).filter_by(public_id=subject).where(pair.stripe_id.is_(None))
    return session.scalar(waiting) is not None


def _broken_books(session: Session, run: Run) -> Iterator[Difference]:
    """Name what the ledger itself holds wrong: all of it, or in what moved lately."""
    if run.is_whole:
        faults: Iterable[Fault] = check_ledger(session).faults
    else:
        faults = check_movements(session, after_id=_first_id(session, run))
    for fault in faults:
        is_movement = fault.rule == "movements"
        yield Difference(
            DifferenceKind.MISBOOKED if is_movement else DifferenceKind.BOOKS_BROKEN,
            fault.subject if is_movement else f"{fault.rule}: {fault.subject}",
            fault.campaign_id,
            {"what": fault.what},
        )


def _first_id(session: Session, run: Run) -> int:
    """Return the ledger transaction after which everything that moved lately was posted."""
    first = sa.select(sa.func.min(StripeMovement.transaction_id)).where(
        StripeMovement.occurred_at >= run.since
    )
    newest = sa.select(sa.func.max(LedgerTransaction.id))
    return (session.scalar(first) or (session.scalar(newest) or 0) + 1) - 1
