"""Posting: the only writer of the ledger, and of Stripe's movements beside it.

On PostgreSQL any number of transactions is one statement, so one round trip. Nothing is
updated, so a hot account never makes two postings wait for each other.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.errors import N_, ConflictError
from payments.ledger import chart
from payments.ledger.drafts import EntryDraft, MovementFacts, TransactionDraft
from payments.models.ledger import (
    LedgerEntry,
    LedgerTransaction,
    StripeMovement,
    TransactionKind,
)

_ENTRY: Final = LedgerEntry.metadata.tables[LedgerEntry.__tablename__]
_MOVEMENT: Final = StripeMovement.metadata.tables[StripeMovement.__tablename__]
_MOVEMENT_COLUMNS: Final = [one.name for one in fields(MovementFacts) if one.name in _MOVEMENT.c]


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
    written = _write(session, [_Posting(draft) for draft in drafts])
    if repeated := [draft for draft in drafts if draft.reference not in written]:
        written |= _same_as_posted(session, repeated)
    return [written[draft.reference] for draft in drafts]


def reverse(session: Session, reference: str, *, because: str, at: datetime) -> int:
    """Write the mirror of a posted transaction; reversing it again writes nothing.

    ``because`` names the act that asked for it, and becomes the reference.
    """
    found = session.execute(
        sa.select(LedgerTransaction.id, LedgerTransaction.campaign_id).filter_by(
            reference=reference
        )
    ).one()
    mirrored = tuple(entry.mirrored() for entry in _entries_of(session, [found.id])[found.id])
    draft = TransactionDraft(
        reference=f"reversal:{reference}:{because}",
        kind=TransactionKind.REVERSAL,
        occurred_at=at,
        campaign_id=found.campaign_id,
        entries=mirrored,
    )
    return post(session, draft)


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
    for movement, draft in adoptions:
        _check_movement(movement, draft)
    postings = [_Posting(draft, movement) for movement, draft in adoptions]
    written = _write(session, postings)
    if missing := [posting for posting in postings if posting.draft.reference not in written]:
        _check_adopted(session, missing)
    return [written.get(draft.reference) for _, draft in adoptions]


@dataclass(frozen=True, slots=True)
class _Posting:
    draft: TransactionDraft
    movement: MovementFacts | None = None


def _check_movement(movement: MovementFacts, draft: TransactionDraft) -> None:
    currencies = {entry.currency for entry in draft.entries}
    if movement.exchange_rate is not None or currencies != {movement.currency}:
        raise ForeignMovementError(
            N_("Stripe moved %(currency)s for %(reference)s, which is kept in %(expected)s."),
            currency=movement.currency,
            reference=draft.reference,
            expected=", ".join(sorted(currencies)),
        )
    booked = draft.effect_on(chart.STRIPE_BALANCE)
    if booked != movement.net:
        raise MovementMismatchError(
            N_("Stripe moved %(net)s for %(reference)s, which accounts for %(booked)s."),
            net=movement.net,
            reference=draft.reference,
            booked=booked,
        )


def _write(session: Session, postings: Sequence[_Posting]) -> dict[str, int]:
    """Write what is not there yet and return the new ids by reference.

    References are taken in order, so that two batches never wait for each other in a ring.
    """
    ordered: dict[str, _Posting] = {}
    for posting in sorted(postings, key=lambda posting: posting.draft.reference):
        known = ordered.setdefault(posting.draft.reference, posting)
        if known != posting:
            raise _taken(posting.draft)
    if not ordered:
        return {}
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return (_write_to_sqlite if is_sqlite else _write_to_postgresql)(session, ordered.values())


_POST_TO_POSTGRESQL: Final = sa.text("""
WITH draft AS (
    SELECT * FROM json_to_recordset(CAST(:postings AS json)) AS draft (
        reference text, kind text, campaign_id bigint, occurred_at timestamptz,
        entries json, movement json)
    WHERE movement IS NULL OR NOT EXISTS (
        SELECT FROM stripe_movement
        WHERE stripe_balance_transaction_id = movement ->> 'stripe_balance_transaction_id')
), posted AS (
    INSERT INTO ledger_transaction (reference, kind, campaign_id, occurred_at, posted_at)
    SELECT reference, kind, campaign_id, occurred_at, clock_timestamp() FROM draft
    ON CONFLICT (reference) DO NOTHING
    RETURNING id, reference
), entered AS (
    INSERT INTO ledger_entry (transaction_id, position, debit, credit, amount, currency)
    SELECT posted.id, entry.* FROM posted JOIN draft USING (reference),
        json_to_recordset(draft.entries) AS entry (
            position smallint, debit text, credit text, amount bigint, currency text)
), moved AS (
    INSERT INTO stripe_movement (
        transaction_id, campaign_id, stripe_balance_transaction_id, type, reporting_category,
        source, amount, fee, net, currency, occurred_at, available_at)
    SELECT posted.id, draft.campaign_id, movement.* FROM posted JOIN draft USING (reference),
        json_to_record(draft.movement) AS movement (
            stripe_balance_transaction_id text, type text, reporting_category text,
            source text, amount bigint, fee bigint, net bigint, currency text,
            occurred_at timestamptz, available_at timestamptz)
    WHERE draft.movement IS NOT NULL
)
SELECT reference, id FROM posted
""")


_POST_TO_SQLITE: Final = sa.text("""
INSERT INTO ledger_transaction (reference, kind, campaign_id, occurred_at, posted_at)
SELECT draft.value ->> 'reference', draft.value ->> 'kind', draft.value ->> 'campaign_id',
    substr(draft.value ->> 'occurred_at', 1, 26), strftime('%Y-%m-%d %H:%M:%f000', 'now')
FROM json_each(:postings) AS draft
WHERE NOT EXISTS (
    SELECT 1 FROM stripe_movement
    WHERE stripe_balance_transaction_id
        = draft.value -> 'movement' ->> 'stripe_balance_transaction_id')
ON CONFLICT (reference) DO NOTHING
RETURNING reference, id
""")


def _write_to_postgresql(session: Session, postings: Collection[_Posting]) -> dict[str, int]:
    parameters = {"postings": _as_json(postings)}
    return dict(session.execute(_POST_TO_POSTGRESQL, parameters).all())


def _write_to_sqlite(session: Session, postings: Collection[_Posting]) -> dict[str, int]:
    """Write in three prepared statements: there is no round trip to save."""
    parameters = {"postings": _as_json(postings)}
    written: dict[str, int] = dict(session.execute(_POST_TO_SQLITE, parameters).all())
    new = [posting for posting in postings if posting.draft.reference in written]
    entries = [
        {"transaction_id": written[posting.draft.reference], **row}
        for posting in new
        for row in _entry_rows(posting.draft)
    ]
    movements = [
        {
            "transaction_id": written[posting.draft.reference],
            "campaign_id": posting.draft.campaign_id,
            **_movement_row(posting.movement),
        }
        for posting in new
        if posting.movement
    ]
    if entries:
        session.execute(sa.insert(_ENTRY), entries)
    if movements:
        session.execute(sa.insert(_MOVEMENT), movements)
    return written


def _as_json(postings: Iterable[_Posting]) -> str:
    documents = [
        {
            "reference": posting.draft.reference,
            "kind": posting.draft.kind,
            "campaign_id": posting.draft.campaign_id,
            "occurred_at": posting.draft.occurred_at,
            "entries": _entry_rows(posting.draft),
            "movement": posting.movement and _movement_row(posting.movement),
        }
        for posting in postings
    ]
    return json.dumps(documents, default=_instant_in_utc)


def _instant_in_utc(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")


def _entry_rows(draft: TransactionDraft) -> list[dict[str, Any]]:
    return [
        {
            "position": position,
            "debit": entry.debit,
            "credit": entry.credit,
            "amount": entry.amount,
            "currency": entry.currency,
        }
        for position, entry in enumerate(draft.entries, start=1)
    ]


def _movement_row(movement: MovementFacts) -> dict[str, Any]:
    return {name: getattr(movement, name) for name in _MOVEMENT_COLUMNS}


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
        standing = replace(
            draft,
            kind=row.kind,
            occurred_at=row.occurred_at,
            campaign_id=row.campaign_id,
            entries=entries[row.id],
        )
        if standing != draft:
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


def _check_adopted(session: Session, postings: Sequence[_Posting]) -> None:
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
