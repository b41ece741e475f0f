"""The discrepancies: what a comparison found, kept until it is gone or a person explains it."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.audit import record
from octo.clock import Clock
from octo.database import lock, transaction
from octo.errors import N_, ConflictError, InvalidError
from payments.documents.numbers import format_number, reserve_number
from payments.models import BooksState, Discrepancy
from payments.reconciliation.discrepancies import (
    DOCUMENT_NUMBER,
    Comparison,
    Difference,
    DifferenceKind,
)
from payments.reconciliation.run import Run, finish, review

LONGEST_REASON = 1000


class NotOpenError(ConflictError):
    """The discrepancy is gone, or somebody has explained it."""

    code = "not_open"


def keep_comparison(comparison: Comparison, run: Run, *, clock: Clock) -> BooksState:
    """Write down what a comparison found, and with it whether money may move on these books.

    Differences that a person explained, and that are still the very same, are taken out of the
    comparison: they alarm nobody.
    """
    with transaction() as session:
        at = clock.now()
        found = {one.key: one for one in comparison.differences}
        known = {
            (row.kind, row.subject): row
            for row in session.scalars(
                sa.select(Discrepancy).where(
                    sa.or_(
                        Discrepancy.resolved_at.is_(None),
                        Discrepancy.subject.in_({subject for _, subject in found}),
                    )
                )
            )
        }
        for key, row in known.items():
            if key not in found and row.resolved_at is None and _was_looked_at(row, run):
                row.resolved_at = at
        explained = {key for key in found if _write(session, known.get(key), found[key], at=at)}
        comparison.differences = [one for one in comparison.differences if one.key not in explained]
        comparison.explained_count = len(explained)
        session.flush()
        state = _read_state(session)
        finish(session, run, state=state, seen_until=comparison.newest)
        return state


def kept_keys(session: Session, *, is_explained: bool) -> set[tuple[str, str]]:
    """Return what is known to differ still, and explained by a person or not."""
    rows = session.execute(
        sa.select(Discrepancy.kind, Discrepancy.subject).where(
            Discrepancy.resolved_at.is_(None),
            Discrepancy.explained_at.is_not(None) if is_explained else Discrepancy.opened(),
        )
    )
    return {(kind, subject) for kind, subject in rows}


def explain(kind: str, subject: str, *, reason: str, actor: str, clock: Clock) -> None:
    """Answer for a difference, on the record, so that its campaign's money may move again.

    ``actor`` is a public id. Should it become another difference, it is asked about anew. A number
    of a document that was forgotten is never given again all the same.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise InvalidError(N_("Say what explains this difference."), field="reason")
    with transaction() as session:
        row = lock(session, Discrepancy, kind=kind, subject=subject)
        if not row.is_open:
            raise NotOpenError(N_("This difference is gone, or explained already."))
        at = clock.now()
        row.explain(reason, by=actor, at=at)
        session.flush()
        if kind == DifferenceKind.FORGOTTEN and row.details["what"] == DOCUMENT_NUMBER:
            reserve_number(session, format_number(subject, row.details["stripe"]["last_number"]))
        review(session, _read_state(session))
        record(
            session,
            actor=actor,
            action="discrepancy.explained",
            subject=subject[:40],
            reason=reason,
            at=at,
            kind=kind,
            about=subject,
            details=row.details,
        )


def _was_looked_at(row: Discrepancy, run: Run) -> bool:
    """Tell whether a comparison would have named this again, were it still there."""
    if run.since is None:
        return True
    return row.occurred_at is not None and row.occurred_at >= run.since


def _write(session: Session, row: Discrepancy | None, one: Difference, *, at: datetime) -> bool:
    """Keep a difference; return whether a person has explained just this one."""
    if row is None:
        row = Discrepancy(kind=one.kind.value, subject=one.subject, found_at=at)
        session.add(row)
    elif row.explained_at is not None and row.details == one.details:
        row.resolved_at = None
        return True
    elif row.resolved_at is not None or row.explained_at is not None:
        row.found_at, row.resolved_at = at, None
        row.explained_at = row.explained_by = row.explanation = None
    row.campaign_id, row.details, row.occurred_at = one.campaign_id, one.details, one.occurred_at
    return False


def _read_state(session: Session) -> BooksState:
    """Say whether anything is left that these books must have known and forgot."""
    forgotten = sa.select(Discrepancy.id).where(
        Discrepancy.kind == DifferenceKind.FORGOTTEN.value, Discrepancy.opened()
    )
    return (
        BooksState.CURRENT
        if session.scalar(forgotten.limit(1)) is None
        else BooksState.BEHIND_STRIPE
    )
