"""Posting: the only way into the ledger, and for Stripe's movements beside it.

What is handed in is checked here, and written by ``payments.ledger.writing``.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.database import reading
from octo.errors import N_, ConflictError
from payments.ledger.accounts import MOVED_BY_STRIPE
from payments.ledger.drafts import EntryDraft, MovementFacts, TransactionDraft
from payments.ledger.kinds import REVERSAL
from payments.ledger.models import LedgerEntry, LedgerTransaction, StripeMovement
from payments.ledger.writing import Posting, write, write_alone


class ReferenceTakenError(ConflictError):
    """The reference stands for another ledger transaction already."""

    code = "reference_taken"


class MovementMismatchError(ConflictError):
    """Stripe moved another amount than the event accounts for."""

    code = "movement_mismatch"


class ForeignMovementError(ConflictError):
    """Stripe moved another currency, or converted: the campaign must freeze."""

    code = "foreign_movement"


def post(session: Session, draft: TransactionDraft) -> int:
    """Write one ledger transaction and return its id; see ``post_many``."""
    return post_many(session, [draft])[0]


def post_many(session: Session, drafts: Sequence[TransactionDraft]) -> list[int]:
    """Write ledger transactions, in the caller's transaction, and return their ids.

    A reference is written once. Posting the very same transaction again writes nothing and
    returns the one that stands; another one under its reference raises
    ``ReferenceTakenError``.
    """
    written = write(session, _in_order(Posting(draft) for draft in drafts))
    if repeated := [draft for draft in drafts if draft.reference not in written]:
        written |= _same_as_posted(session, repeated)
    return [written[draft.reference] for draft in drafts]


def reverse(session: Session, reference: str, *, because: str, at: datetime) -> int:
    """Write the mirror of a posted transaction; reversing it again writes nothing.

    ``because`` names the act that asked for it, and becomes the reference.
    """
    return post(session, draft_reversal(session, reference, because=because, at=at))


def draft_reversal(
    session: Session, reference: str, *, because: str, at: datetime
) -> TransactionDraft:
    """Return the mirror of a posted transaction, each entry the other way round."""
    found = session.execute(
        sa.select(LedgerTransaction.id, LedgerTransaction.campaign_id).filter_by(
            reference=reference
        )
    ).one()
    return TransactionDraft(
        reference=f"reversal:{reference}:{because}",
        kind=REVERSAL,
        occurred_at=at,
        campaign_id=found.campaign_id,
        entries=tuple(entry.mirrored() for entry in _entries_of(session, [found.id])[found.id]),
    )


def adopt_movement(
    session: Session, movement: MovementFacts, draft: TransactionDraft
) -> int | None:
    """Write one of Stripe's movements and what it books; see ``adopt_many``."""
    return adopt_many(session, [(movement, draft)])[0]


def adopt_many(
    session: Session, adoptions: Sequence[tuple[MovementFacts, TransactionDraft]]
) -> list[int | None]:
    """Write Stripe's movements with the transactions that book them, all in one commit.

    Gives the transaction's id, or ``None`` where the movement was adopted before, by whoever
    heard of it first. Before anything is written, raises ``ForeignMovementError`` for money
    in another currency or converted and ``MovementMismatchError`` when the entries on
    ``stripe_balance`` are not Stripe's net: the campaign is to be frozen.
    """
    postings = [_adoption(movement, draft) for movement, draft in adoptions]
    written = write(session, _in_order(postings))
    if missing := [posting for posting in postings if posting.draft.reference not in written]:
        _check_adopted(session, missing)
    return [written.get(draft.reference) for _, draft in adoptions]


def adopt_alone(movement: MovementFacts, draft: TransactionDraft) -> int | None:
    """Write a movement nothing else depends on, in a commit of its own; see ``adopt_many``."""
    posting = _adoption(movement, draft)
    written = write_alone([posting])
    if not written:
        with reading() as session:
            _check_adopted(session, [posting])
    return written.get(draft.reference)


def _adoption(movement: MovementFacts, draft: TransactionDraft) -> Posting:
    _check_movement(movement, draft)
    return Posting(draft, movement)


def _check_movement(movement: MovementFacts, draft: TransactionDraft) -> None:
    currencies = {entry.currency for entry in draft.entries}
    if movement.exchange_rate is not None or currencies != {movement.currency}:
        raise ForeignMovementError(
            N_("Stripe moved %(currency)s for %(reference)s, which is kept in %(expected)s."),
            currency=movement.currency,
            reference=draft.reference,
            expected=", ".join(sorted(currencies)),
        )
    booked = draft.effect_on(MOVED_BY_STRIPE)
    if booked != movement.net:
        raise MovementMismatchError(
            N_("Stripe moved %(net)s for %(reference)s, which accounts for %(booked)s."),
            net=movement.net,
            reference=draft.reference,
            booked=booked,
        )


def _in_order(postings: Iterable[Posting]) -> list[Posting]:
    """Give each reference once, in order: two batches never wait for each other in a ring."""
    ordered: dict[str, Posting] = {}
    for posting in sorted(postings, key=lambda posting: posting.draft.reference):
        known = ordered.setdefault(posting.draft.reference, posting)
        if known != posting:
            raise _taken(posting.draft)
    return list(ordered.values())


def _same_as_posted(session: Session, drafts: Sequence[TransactionDraft]) -> dict[str, int]:
    """Return the ids of transactions posted before, or refuse those that say otherwise."""
    references = [draft.reference for draft in drafts]
    found = session.execute(
        sa.select(
            LedgerTransaction.reference,
            LedgerTransaction.id,
            LedgerTransaction.kind,
            LedgerTransaction.occurred_at,
            LedgerTransaction.campaign_id,
        ).where(LedgerTransaction.reference.in_(references))
    )
    posted = {row.reference: row for row in found}
    entries = _entries_of(session, [row.id for row in posted.values()])
    for draft in drafts:
        row = posted[draft.reference]
        posted_draft = replace(
            draft,
            kind=row.kind,
            occurred_at=row.occurred_at,
            campaign_id=row.campaign_id,
            entries=entries[row.id],
        )
        if posted_draft != draft:
            raise _taken(draft)
    return {reference: row.id for reference, row in posted.items()}


def _entries_of(
    session: Session, transaction_ids: Sequence[int]
) -> dict[int, tuple[EntryDraft, ...]]:
    rows = session.execute(
        sa.select(
            LedgerEntry.transaction_id,
            LedgerEntry.debit,
            LedgerEntry.credit,
            LedgerEntry.amount,
            LedgerEntry.currency,
        )
        .where(LedgerEntry.transaction_id.in_(transaction_ids))
        .order_by(LedgerEntry.transaction_id, LedgerEntry.position)
    )
    entries: dict[int, tuple[EntryDraft, ...]] = defaultdict(tuple)
    for row in rows:
        entries[row.transaction_id] += (
            EntryDraft(row.debit, row.credit, row.amount, row.currency),
        )
    return entries


def _check_adopted(session: Session, postings: Sequence[Posting]) -> None:
    """Make sure that what was not written is the very movement that was adopted before."""
    wanted = {
        posting.movement.stripe_balance_transaction_id: posting.draft
        for posting in postings
        if posting.movement
    }
    adopted = set(
        session.scalars(
            sa.select(StripeMovement.stripe_balance_transaction_id).where(
                StripeMovement.stripe_balance_transaction_id.in_(wanted)
            )
        )
    )
    for stripe_id, draft in wanted.items():
        if stripe_id not in adopted:
            raise _taken(draft)


def _taken(draft: TransactionDraft) -> ReferenceTakenError:
    return ReferenceTakenError(
        N_("The reference %(reference)s stands for another ledger transaction."),
        reference=draft.reference,
    )
