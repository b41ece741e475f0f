"""Which calls may be made now: money moves only on books that were just compared with Stripe.

A comparison holds for a quarter of an hour, and only on the run of the database server it was
made on: a standby that takes over, or a backup put back, is compared anew. A campaign with a
difference nobody has explained waits; the others go on.
"""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from payments.gateway.endpoints import kinds_without_money
from payments.models import Attempt, BooksState, Discrepancy, Reconciliation

COMPARISON_HOLDS: Final = timedelta(minutes=15)


def is_cleared(session: Session, *, at: datetime) -> sa.ColumnElement[bool]:
    """Return the condition of the attempts that may be sent at this instant of machine time."""
    return sa.or_(moves_no_money(), sa.and_(is_compared(session, at=at), ~differs()))


def moves_no_money() -> sa.ColumnElement[bool]:
    """Return the condition of the attempts that may be sent on books in doubt."""
    return Attempt.kind.in_(tuple(kinds_without_money()))


def is_compared(session: Session, *, at: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that holds while the last comparison does, whatever it found."""
    return (
        sa.exists()
        .where(
            Reconciliation.state == BooksState.CURRENT,
            Reconciliation.compared_at > at - COMPARISON_HOLDS,
            Reconciliation.epoch == epoch(session),
        )
        .correlate(None)
    )


def epoch(session: Session) -> sa.ColumnElement[str]:
    """Name this run of this database; SQLite has no server that others could swap."""
    if session.get_bind().dialect.name == "sqlite":
        return sa.literal("")
    return sa.literal_column(
        "extract(epoch FROM pg_postmaster_start_time())::text || ':' ||"
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    )


def differs() -> sa.ColumnElement[bool]:
    """Return the condition of the attempts whose campaign has a difference to explain."""
    return sa.exists().where(Discrepancy.campaign_id == Attempt.campaign_id, Discrepancy.opened())
