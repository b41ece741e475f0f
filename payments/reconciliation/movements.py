"""Stripe's movements against ours, both ways, to the cent."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from payments.ledger.drafts import MovementFacts
from payments.ledger.models import StripeMovement
from payments.reconciliation.discrepancies import (
    Comparison,
    Difference,
    DifferenceKind,
    plain,
    two_sides,
)
from payments.reconciliation.mirror import KNOWN, MOVEMENTS
from payments.reconciliation.under_way import find_campaign, is_movement_under_way

_ID: Final = "stripe_balance_transaction_id"
_SEEN: Final = [one.name for one in fields(MovementFacts) if one.name != _ID]
_KEPT: Final = [name for name in _SEEN if name != "exchange_rate"]
_SAME: Final = MOVEMENTS.c[_ID] == StripeMovement.stripe_balance_transaction_id


def find_differences(session: Session) -> Iterator[Difference]:
    """Name each movement that one side lacks, or tells otherwise."""
    yield from _missing_here(session)
    yield from _missing_there(session)
    yield from _different(session)


def count(session: Session, comparison: Comparison) -> None:
    """Add up what both sides have, and how far Stripe's list goes."""
    seen, known = MOVEMENTS.c, StripeMovement
    rows = session.execute(
        sa.select(seen.currency, sa.func.count(), sa.func.sum(seen.net)).group_by(seen.currency)
    )
    for currency, movements, net in rows:
        comparison.stripe_count += movements
        comparison.stripe_net[currency] = int(net)
    rows = session.execute(
        sa.select(known.currency, sa.func.count(), sa.func.sum(known.net))
        .join(KNOWN, _is_known())
        .group_by(known.currency)
    )
    for currency, movements, net in rows:
        comparison.kept_count += movements
        comparison.kept_net[currency] = int(net)
    comparison.newest = session.scalar(sa.select(sa.func.max(seen.occurred_at)))


def _missing_here(session: Session) -> Iterator[Difference]:
    seen = MOVEMENTS.c
    rows = session.execute(
        sa.select(MOVEMENTS)
        .outerjoin(StripeMovement, _SAME)
        .where(
            StripeMovement.transaction_id.is_(None), ~is_movement_under_way(seen.source, seen.type)
        )
        .order_by(seen.occurred_at)
    )
    for row in rows.mappings():
        yield Difference(
            DifferenceKind.MISSING_HERE,
            row[_ID],
            find_campaign(session, row["source"]),
            {"stripe": plain(**{name: row[name] for name in _SEEN})},
            occurred_at=row["occurred_at"],
            source=row["source"] or row[_ID],
        )


def _missing_there(session: Session) -> Iterator[Difference]:
    rows = session.execute(
        sa.select(StripeMovement.campaign_id, *_columns(StripeMovement, [_ID, *_KEPT]))
        .join(KNOWN, _is_known())
        .outerjoin(MOVEMENTS, _SAME)
        .where(MOVEMENTS.c[_ID].is_(None))
        .order_by(StripeMovement.occurred_at)
    )
    for row in rows.mappings():
        yield Difference(
            DifferenceKind.MISSING_THERE,
            row[_ID],
            row["campaign_id"],
            {"here": plain(**{name: row[name] for name in _KEPT})},
            occurred_at=row["occurred_at"],
        )


def _different(session: Session) -> Iterator[Difference]:
    seen = MOVEMENTS.c
    ours = _columns(StripeMovement, _KEPT)
    is_different = sa.or_(
        *(one.is_distinct_from(seen[one.name]) for one in ours), seen.exchange_rate.is_not(None)
    )
    rows = session.execute(
        sa.select(
            seen[_ID],
            StripeMovement.campaign_id,
            *(seen[name] for name in _SEEN),
            *(one.label(f"our_{one.name}") for one in ours),
        )
        .join(StripeMovement, _SAME)
        .where(is_different)
        .order_by(seen.occurred_at)
    )
    for row in rows.mappings():
        stripe = {name: row[name] for name in _SEEN}
        here = {name: row[f"our_{name}"] for name in _KEPT} | {"exchange_rate": None}
        yield Difference(
            DifferenceKind.DIFFERENT,
            row[_ID],
            row["campaign_id"],
            two_sides(stripe, here),
            occurred_at=row["occurred_at"],
        )


def _is_known() -> sa.ColumnElement[bool]:
    return sa.and_(
        KNOWN.c.what == "movement", KNOWN.c.id == StripeMovement.stripe_balance_transaction_id
    )


def _columns(model: type[StripeMovement], names: list[str]) -> list[Any]:
    return [getattr(model, name) for name in names]
