"""How postings are written: one JSON document, and the SQL of each database that spreads it.

On PostgreSQL any number of postings is one statement, so one round trip. Nothing is updated,
so a hot account never makes two postings wait for each other; guarded accounts alone do.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from octo.database import Run, alone, transaction
from octo.errors import N_
from payments.ledger.drafts import MovementFacts, TransactionDraft
from payments.ledger.guarded import (
    MAY_NOT_BE_OVERDRAWN,
    AccountOverdrawnError,
    GuardChange,
    changes_of,
)
from payments.ledger.models import StripeMovement

_MOVEMENT: Final = StripeMovement.metadata.tables[StripeMovement.__tablename__]
_MOVEMENT_COLUMNS: Final = [one.name for one in fields(MovementFacts) if one.name in _MOVEMENT.c]
_LENGTH_WITHOUT_ZONE: Final = len("2011-11-24 12:00:00.000000")


@dataclass(frozen=True, slots=True)
class Posting:
    """A ledger transaction to be written, with the movement it books if Stripe is its source."""

    draft: TransactionDraft
    movement: MovementFacts | None = None


# The sub-select on the movement is scalar on purpose: `NOT EXISTS` is planned as a hash of the
# whole table, which every posting would then read.
_POSTED_ON_POSTGRESQL: Final = """
WITH draft AS (
    SELECT * FROM json_to_recordset(CAST($1 AS json)) AS draft (
        reference text, kind text, campaign_id bigint, occurred_at timestamptz,
        entries json, movement json)
    WHERE movement IS NULL OR (
        SELECT transaction_id FROM stripe_movement
        WHERE stripe_balance_transaction_id = movement ->> 'stripe_balance_transaction_id'
    ) IS NULL
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
)"""
_ON_POSTGRESQL: Final = f"{_POSTED_ON_POSTGRESQL} SELECT reference, id FROM posted"  # noqa: S608
_GUARDED_ON_POSTGRESQL: Final = f"""{_POSTED_ON_POSTGRESQL}, guarded AS (
    UPDATE ledger_guard SET balance = ledger_guard.balance + change.amount
    FROM (
        SELECT account, currency, sum(amount) AS amount FROM posted
        JOIN json_to_recordset(CAST($2 AS json)) AS one (
            reference text, account text, currency text, amount bigint) USING (reference)
        GROUP BY account, currency
    ) AS change
    WHERE ledger_guard.account = change.account AND ledger_guard.currency = change.currency
) SELECT reference, id FROM posted"""  # noqa: S608 - built of our own words
# Opens rows that are not there yet and locks the others, in the order given: what is updated
# after it is what was locked.
_LOCK_ON_POSTGRESQL: Final = """
INSERT INTO ledger_guard (account, currency, balance)
SELECT account, currency, 0 FROM json_to_recordset(CAST($1 AS json)) AS one (
    account text, currency text)
GROUP BY account, currency ORDER BY account, currency
ON CONFLICT (account, currency) DO UPDATE SET balance = ledger_guard.balance
"""

_ON_SQLITE: Final = """
INSERT INTO ledger_transaction (reference, kind, campaign_id, occurred_at, posted_at)
SELECT draft.value ->> 'reference', draft.value ->> 'kind', draft.value ->> 'campaign_id',
    substr(draft.value ->> 'occurred_at', 1, 26), strftime('%Y-%m-%d %H:%M:%f000', 'now')
FROM json_each(?) AS draft
WHERE NOT EXISTS (
    SELECT 1 FROM stripe_movement
    WHERE stripe_balance_transaction_id
        = draft.value -> 'movement' ->> 'stripe_balance_transaction_id')
ON CONFLICT (reference) DO NOTHING
RETURNING reference, id
"""
_ENTRIES_ON_SQLITE: Final = """
INSERT INTO ledger_entry (transaction_id, position, debit, credit, amount, currency)
VALUES (?, ?, ?, ?, ?, ?)
"""
_GUARDS_ON_SQLITE: Final = """
INSERT INTO ledger_guard (account, currency, balance) VALUES (?, ?, 0)
ON CONFLICT (account, currency) DO NOTHING
"""
_CHANGES_ON_SQLITE: Final = """
UPDATE ledger_guard SET balance = balance + ? WHERE account = ? AND currency = ?
"""
_MOVEMENTS_ON_SQLITE: Final = f"""
INSERT INTO stripe_movement (transaction_id, campaign_id, {", ".join(_MOVEMENT_COLUMNS)})
VALUES (?, ?{", ?" * len(_MOVEMENT_COLUMNS)})
"""  # noqa: S608 - built of column names


def write(session: Session, postings: Collection[Posting]) -> dict[str, int]:
    """Write what is not there yet, in the caller's transaction; return the new ids by reference.

    Raises ``AccountOverdrawnError``, and has written nothing, when all of it together would
    leave a guarded account below zero.
    """
    connection = session.connection()
    dialect, run = connection.dialect.name, connection.exec_driver_sql
    changes = changes_of(posting.draft for posting in postings)
    if not changes:
        return _WRITERS[dialect](run, postings)
    try:
        with connection.begin_nested():
            return _GUARDED_WRITERS[dialect](run, postings, changes)
    except IntegrityError as error:
        if MAY_NOT_BE_OVERDRAWN not in str(error.orig):
            raise
        raise AccountOverdrawnError(
            N_("There is not enough left on %(accounts)s."),
            accounts=", ".join(sorted({one.account for one in changes if one.amount < 0})),
        ) from error


def write_alone(postings: Collection[Posting]) -> dict[str, int]:
    """Write as ``write`` does, in a commit of its own: one round trip on PostgreSQL.

    With a guarded account in it, it is a transaction like any other.
    """
    if changes_of(posting.draft for posting in postings):
        with transaction() as session:
            return write(session, postings)
    with alone() as (dialect, run):
        return _WRITERS[dialect](run, postings)


def _write_to_postgresql(run: Run, postings: Collection[Posting]) -> dict[str, int]:
    return dict(iter(run(_ON_POSTGRESQL, (_as_json(postings),))))


def _write_to_sqlite(run: Run, postings: Collection[Posting]) -> dict[str, int]:
    written = dict(iter(run(_ON_SQLITE, (_as_json(postings),))))
    new = [posting for posting in postings if posting.draft.reference in written]
    if new:
        run(_ENTRIES_ON_SQLITE, list(_entry_values(new, written)))
    if movements := list(_movement_values(new, written)):
        run(_MOVEMENTS_ON_SQLITE, movements)
    return written


def _write_guarded_to_postgresql(
    run: Run, postings: Collection[Posting], changes: Collection[GuardChange]
) -> dict[str, int]:
    document = _ENCODER.encode([asdict(change) for change in changes])
    run(_LOCK_ON_POSTGRESQL, (document,))
    return dict(iter(run(_GUARDED_ON_POSTGRESQL, (_as_json(postings), document))))


def _write_guarded_to_sqlite(
    run: Run, postings: Collection[Posting], changes: Collection[GuardChange]
) -> dict[str, int]:
    written = _write_to_sqlite(run, postings)
    left: Counter[tuple[str, str]] = Counter()
    for one in changes:
        left[one.account, one.currency] += one.amount * (one.reference in written)
    run(_GUARDS_ON_SQLITE, list(left))
    run(_CHANGES_ON_SQLITE, [(amount, *account) for account, amount in left.items()])
    return written


_WRITERS: Final = {"postgresql": _write_to_postgresql, "sqlite": _write_to_sqlite}
_GUARDED_WRITERS: Final = {
    "postgresql": _write_guarded_to_postgresql,
    "sqlite": _write_guarded_to_sqlite,
}


def _as_json(postings: Iterable[Posting]) -> str:
    documents = [
        {
            "reference": posting.draft.reference,
            "kind": posting.draft.kind,
            "campaign_id": posting.draft.campaign_id,
            "occurred_at": posting.draft.occurred_at,
            "entries": [
                {
                    "position": position,
                    "debit": entry.debit,
                    "credit": entry.credit,
                    "amount": entry.amount,
                    "currency": entry.currency,
                }
                for position, entry in enumerate(posting.draft.entries, start=1)
            ],
            "movement": posting.movement
            and {name: getattr(posting.movement, name) for name in _MOVEMENT_COLUMNS},
        }
        for posting in postings
    ]
    return _ENCODER.encode(documents)


def _entry_values(
    postings: Iterable[Posting], written: Mapping[str, int]
) -> Iterator[tuple[object, ...]]:
    for posting in postings:
        for position, one in enumerate(posting.draft.entries, start=1):
            moved = (one.debit, one.credit, one.amount, one.currency)
            yield (written[posting.draft.reference], position, *moved)


def _movement_values(
    postings: Iterable[Posting], written: Mapping[str, int]
) -> Iterator[tuple[object, ...]]:
    for posting in postings:
        if posting.movement is not None:
            facts = (getattr(posting.movement, name) for name in _MOVEMENT_COLUMNS)
            values = (_as_kept(one) if isinstance(one, datetime) else one for one in facts)
            yield (written[posting.draft.reference], posting.draft.campaign_id, *values)


def _in_utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(" ", "microseconds")


def _as_kept(value: datetime) -> str:
    """Write an instant as SQLite keeps it: UTC, without saying so."""
    return _in_utc(value)[:_LENGTH_WITHOUT_ZONE]


_ENCODER: Final = json.JSONEncoder(default=_in_utc, check_circular=False)
