"""Grant calls at Stripe's pace, to the whole cluster, from one row in the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from payments.models import PacerBucket

KEPT_FOR_PEOPLE: Final = 0.10
LONGEST_QUEUE: Final = timedelta(seconds=1)
SHORTEST_BLOCK: Final = 50


@dataclass(frozen=True)
class Grant:
    """Leave to make ``calls`` calls, evenly spread from ``wait_seconds`` from now on."""

    calls: int
    wait_seconds: float
    interval_seconds: float


def block_size(rate: int) -> int:
    """Return how many calls one grant covers: a second's worth, and at least fifty."""
    return max(SHORTEST_BLOCK, rate)


def grant(session: Session, *, calls: int, rate: int, at: datetime, name: str = "engine") -> Grant:
    """Reserve ``calls`` calls at ``rate`` per second, a tenth kept for people and look-ups.

    ``at`` is machine time. Reservations queue behind one another, so that any number of
    workers keep one pace together.
    """
    interval = timedelta(seconds=1) / (rate * (1 - KEPT_FOR_PEOPLE))
    bucket = _lock_bucket(session, name, at=at)
    starts_at = max(at, bucket.granted_until)
    bucket.granted_until = starts_at + interval * calls
    return Grant(
        calls=calls,
        wait_seconds=(starts_at - at).total_seconds(),
        interval_seconds=interval.total_seconds(),
    )


def is_full(session: Session, *, at: datetime, name: str = "engine") -> bool:
    """Tell whether so much is reserved already that claiming more would only hoard work."""
    granted_until = session.scalar(
        sa.select(PacerBucket.granted_until).where(PacerBucket.name == name)
    )
    return granted_until is not None and granted_until - at > LONGEST_QUEUE


def _lock_bucket(session: Session, name: str, *, at: datetime) -> PacerBucket:
    wanted = sa.select(PacerBucket).where(PacerBucket.name == name).with_for_update()
    bucket = session.scalars(wanted.execution_options(populate_existing=True)).one_or_none()
    if bucket is None:
        bucket = PacerBucket(name=name, granted_until=at)
        session.add(bucket)
        session.flush()
    return bucket
