"""The pace of the whole cluster: rows in the database say until when calls are given out.

Stripe counts the calls of an account, and those of each endpoint. One row stands for each;
whoever claims work holds them for that moment, so that any number of workers keep one pace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from payments.models import AttemptKind, RateBucket
from payments.settings import StripeSettings

KEPT_FOR_PEOPLE: Final = 0.10
SMALLEST_BLOCK: Final = 50
LARGEST_BLOCK: Final = 500
LONGEST_BLOCK: Final = timedelta(seconds=2)
LONGEST_QUEUE: Final = timedelta(seconds=1)
ACCOUNT: Final = "account"


def interval_of(rate: int) -> timedelta:
    """Return the time between two calls of ours at ``rate``, a tenth kept for people."""
    return timedelta(seconds=1) / (rate * (1 - KEPT_FOR_PEOPLE))


def block_size(rate: int) -> int:
    """Return how many calls are given out at once: a second's worth, and fifty if that is more.

    Never more than two seconds' worth, since a worker that dies takes its block with it, nor
    than what may well be held in memory.
    """
    block = min(max(SMALLEST_BLOCK, rate), round(LONGEST_BLOCK / interval_of(rate)))
    return max(1, min(block, LARGEST_BLOCK))


@dataclass(frozen=True)
class Bucket:
    """What one limit of Stripe's leaves: calls ``interval`` apart, from those of ``row`` on."""

    row: RateBucket
    rate: int
    at: datetime

    @property
    def capacity(self) -> int:
        """Return how many calls may be given out now; none while much is given out already."""
        is_full = self.row.granted_until - self.at > LONGEST_QUEUE
        return 0 if is_full else block_size(self.rate)

    def next_slot(self) -> datetime:
        """Give out one call and return when it may leave."""
        leaves_at = max(self.at, self.row.granted_until)
        self.row.granted_until = leaves_at + interval_of(self.rate)
        return leaves_at


@dataclass(frozen=True)
class Pace:
    """The buckets of the account and of each endpoint, held until the transaction ends."""

    account: Bucket
    endpoints: Mapping[AttemptKind, Bucket]
    at: datetime

    @property
    def capacities(self) -> dict[AttemptKind, int]:
        """Return how many calls of each kind may be given out now."""
        capacities = ((kind, bucket.capacity) for kind, bucket in self.endpoints.items())
        return {kind: capacity for kind, capacity in capacities if capacity}

    def next_slot(self, kind: AttemptKind) -> float:
        """Give out one call and return in how many seconds it may leave."""
        leaves_at = max(self.account.next_slot(), self.endpoints[kind].next_slot())
        return (leaves_at - self.at).total_seconds()


def hold_pace(
    session: Session, kinds: set[AttemptKind], *, settings: StripeSettings, at: datetime
) -> Pace:
    """Lock the rows of the account and of these endpoints; ``at`` is machine time."""
    buckets = _lock_buckets(session, {ACCOUNT, *kinds}, at=at)
    rate = min(settings.rate, settings.rate_endpoint)
    return Pace(
        account=Bucket(buckets[ACCOUNT], settings.rate, at),
        endpoints={kind: Bucket(buckets[kind], rate, at) for kind in kinds},
        at=at,
    )


def pause(session: Session, name: str, *, seconds: float, at: datetime) -> None:
    """Give out nothing more of a bucket for a while: Stripe said that it was too much."""
    bucket = _lock_buckets(session, {name}, at=at)[name]
    bucket.granted_until = max(bucket.granted_until, at + timedelta(seconds=seconds))


def _lock_buckets(session: Session, names: set[str], *, at: datetime) -> dict[str, RateBucket]:
    """Lock rows in the order of their names, which whoever comes first adds."""
    wanted = (
        sa.select(RateBucket)
        .where(RateBucket.name.in_(names))
        .order_by(RateBucket.name)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {bucket.name: bucket for bucket in session.scalars(wanted)}
    if missing := sorted(names - found.keys()):
        is_sqlite = session.get_bind().dialect.name == "sqlite"
        insert = sqlite.insert if is_sqlite else postgresql.insert
        rows = [{"name": str(name), "granted_until": at} for name in missing]
        session.execute(insert(RateBucket).values(rows).on_conflict_do_nothing())
        found = {bucket.name: bucket for bucket in session.scalars(wanted)}
    return found
