"""Charges, refunds, transfers and disputes: Stripe's lists against our rows, both ways."""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from payments.ledger.models import StripeMovement
from payments.models import Attempt, AttemptStatus
from payments.reconciliation.discrepancies import Difference, DifferenceKind, plain, two_sides
from payments.reconciliation.mirror import KNOWN
from payments.reconciliation.pairs import PAIRS, Pair
from payments.reconciliation.under_way import find_campaign, is_under_way


def find_differences(session: Session, *, installation: str) -> Iterator[Difference]:
    """Name each object that one side lacks, has twice, or tells otherwise."""
    for pair in PAIRS:
        yield from _missing_here(session, pair, installation)
        yield from _missing_there(session, pair)
        yield from _different(session, pair)
        if pair.twice is not None:
            yield from _twice(session, pair)
        if "key" in pair.seen.c:
            yield from _without_attempt(session, pair, installation)


def _missing_here(session: Session, pair: Pair, installation: str) -> Iterator[Difference]:
    """Name what Stripe has and we do not; what we must have asked for and forgot, apart."""
    is_forgotten = sa.false() if pair.is_planned is None else _is_forgotten(pair, installation)
    rows = session.execute(
        sa.select(pair.seen, is_forgotten.label("is_forgotten"))
        .outerjoin(pair.ours, pair.is_same)
        .where(pair.ours.id.is_(None), pair.is_counted, ~_is_known_otherwise(pair))
        .order_by(pair.seen.c.created_at)
    )
    for row in rows.mappings():
        yield Difference(
            DifferenceKind.FORGOTTEN if row["is_forgotten"] else pair.missing_here,
            row["id"],
            find_campaign(session, row["id"]),
            {"what": pair.what, "stripe": _plain_row(row, pair)},
            occurred_at=row["created_at"],
            source=row["id"],
        )


def _is_forgotten(pair: Pair, installation: str) -> sa.ColumnElement[bool]:
    """Return the condition of an object of ours of which nothing is known: not even its movement.

    Whoever asked for it wrote that down first; so the database is behind Stripe.
    """
    is_moved_here = sa.exists().where(StripeMovement.source == pair.seen.c.id)
    return sa.and_(pair.seen.c.installation == installation, ~pair.is_planned, ~is_moved_here)


def _is_known_otherwise(pair: Pair) -> sa.ColumnElement[bool]:
    """Return the condition of what is named as done twice, or is still being written down."""
    if pair.twice is None:
        return sa.false()
    ours = aliased(pair.ours)
    is_twice = sa.exists().where(
        ours.public_id == pair.seen.c.subject,
        getattr(ours, pair.stripe_id.key).is_not(None),
    )
    return sa.or_(is_twice, is_under_way(pair.seen.c.subject))


def _twice(session: Session, pair: Pair) -> Iterator[Difference]:
    """Name what carries the ids of a row of ours that stands for another object."""
    assert pair.twice is not None
    ours = pair.ours
    rows = session.execute(
        sa.select(pair.seen, pair.stripe_id.label("first"), ours.campaign_id)
        .join(ours, ours.public_id == pair.seen.c.subject)
        .where(pair.stripe_id != pair.seen.c.id)
        .order_by(pair.seen.c.created_at)
    )
    for row in rows.mappings():
        yield Difference(
            pair.twice,
            row["id"],
            row["campaign_id"],
            {"what": pair.what, "stripe": _plain_row(row, pair), "here": plain(id=row["first"])},
            occurred_at=row["created_at"],
        )


def _missing_there(session: Session, pair: Pair) -> Iterator[Difference]:
    ours = pair.ours
    rows = session.execute(
        pair.joined(
            sa.select(
                pair.stripe_id.label("id"),
                ours.campaign_id,
                *(mine.label(name) for name, (_, mine) in pair.compared.items()),
            )
            .select_from(ours)
            .join(KNOWN, sa.and_(KNOWN.c.what == pair.what, KNOWN.c.id == pair.stripe_id))
        )
        .outerjoin(pair.seen, pair.is_same)
        .where(pair.seen.c.id.is_(None))
        .order_by(ours.id)
    )
    for row in rows.mappings():
        here = {name: row[name] for name in pair.compared if name in row}
        yield Difference(
            pair.missing_there,
            row["id"],
            row["campaign_id"],
            {"what": pair.what, "here": plain(**here)},
        )


def _different(session: Session, pair: Pair) -> Iterator[Difference]:
    ours = pair.ours
    fields = pair.compared.items()
    rows = session.execute(
        pair.joined(
            sa.select(
                pair.seen.c.id,
                pair.seen.c.created_at.label("occurred_at"),
                ours.campaign_id,
                *(theirs.label(f"their_{name}") for name, (theirs, _) in fields),
                *(mine.label(f"our_{name}") for name, (_, mine) in fields),
            )
            .select_from(ours)
            .join(pair.seen, pair.is_same)
        )
        .where(sa.or_(*(theirs.is_distinct_from(mine) for theirs, mine in pair.compared.values())))
        .order_by(pair.seen.c.created_at)
    )
    for row in rows.mappings():
        sides = two_sides(
            {name: row[f"their_{name}"] for name in pair.compared},
            {name: row[f"our_{name}"] for name in pair.compared},
        )
        yield Difference(
            pair.different,
            row["id"],
            row["campaign_id"],
            {"what": pair.what, **sides},
            occurred_at=row["occurred_at"],
            source=row["id"],
        )


def _without_attempt(session: Session, pair: Pair, installation: str) -> Iterator[Difference]:
    """Name what is written down here, but not the call of ours that made it, or another's."""
    ours = pair.ours
    rows = session.execute(
        sa.select(pair.seen, ours.campaign_id, Attempt.stripe_object_id)
        .join(ours, pair.is_same)
        .outerjoin(Attempt, Attempt.idempotency_key == pair.seen.c.key)
        .where(
            pair.seen.c.installation == installation,
            sa.or_(
                Attempt.id.is_(None),
                sa.and_(
                    Attempt.status == AttemptStatus.DONE,
                    Attempt.stripe_object_id != pair.seen.c.id,
                ),
            ),
        )
        .order_by(pair.seen.c.created_at)
    )
    for row in rows.mappings():
        yield Difference(
            DifferenceKind.ATTEMPT_MISSING,
            row["id"],
            row["campaign_id"],
            {
                "what": pair.what,
                "stripe": plain(id=row["id"], key=row["key"]),
                "here": plain(id=row["stripe_object_id"]),
            },
            occurred_at=row["created_at"],
        )


def _plain_row(row: Mapping[Any, Any], pair: Pair) -> dict[str, Any]:
    return plain(**{column.name: row[column.name] for column in pair.seen.c})
