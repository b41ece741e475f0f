"""What waits and for what, in plain words: what ``flask worker --once`` says before it stops."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.clock import Clock
from octo.config import Settings
from octo.database import PASSING_TROUBLE, reading, transaction
from payments.context import Context
from payments.freezes import freeze
from payments.gateway.registry import call_of
from payments.gateway.send_conditions import differs, is_compared, moves_no_money
from payments.models import (
    OPEN_ATTEMPTS,
    Attempt,
    Freeze,
    InboxEvent,
    InboxStatus,
)

_log = structlog.get_logger()
_PASSING: Final = (*PASSING_TROUBLE, PoolTimeoutError, OSError, MemoryError)
_UNCOMPARED: Final = "wait for the books to be compared with Stripe"
_UNEXPLAINED: Final = "wait for a treasurer to explain where the books differ from Stripe"
_UNANSWERED: Final = "have no answer yet and are left alone"


def slug_of(campaign_id: int) -> str:
    """Return by which name a campaign is told to an operator."""
    with reading() as session:
        return session.scalars(sa.select(Campaign.slug).where(Campaign.id == campaign_id)).one()


def note_trouble(campaign_id: int, error: Exception, *, settings: Settings, clock: Clock) -> str:
    """Say what keeps a campaign from going on; but for what passes, its money stops too.

    A broken invariant or a fault of the program is for a person to look at: whatever is tried
    again by itself would be tried for ever, and nobody told.
    """
    _log.error("campaign_in_trouble", campaign=campaign_id, exc_info=error)
    if not isinstance(error, _PASSING):
        with transaction() as session:
            context = Context.read(settings, clock)
            freeze(session, campaign_id, reason=repr(error), context=context)
    return f"{slug_of(campaign_id)}: {error!r}"


def until(instant: datetime | None) -> str:
    """Say until when something waits, for the end of a sentence."""
    return f" until {instant:%Y-%m-%d %H:%M:%S} UTC" if instant is not None else ""


def list_frozen(session: Session) -> Sequence[str]:
    """List the slugs of the campaigns whose money is frozen, the longest first."""
    return session.scalars(
        sa.select(Campaign.slug)
        .join(Freeze, Freeze.campaign_id == Campaign.id)
        .where(Freeze.opened())
        .order_by(Freeze.id)
    ).all()


def describe_frozen() -> list[str]:
    """Say of each frozen campaign that a person must look."""
    with reading() as session:
        slugs = list_frozen(session)
    return [f"{slug}: its money is frozen until a treasurer has looked" for slug in slugs]


def describe_open_calls(clock: Clock) -> Iterator[str]:
    """Say which calls to Stripe have no outcome yet; those of frozen campaigns are said apart."""
    with reading() as session:
        moves_money = ~moves_no_money()
        is_compared_now = is_compared(session, at=clock.machine_now())
        hold = sa.case(
            (sa.and_(moves_money, ~is_compared_now), _UNCOMPARED),
            (sa.and_(moves_money, differs()), _UNEXPLAINED),
            else_=_UNANSWERED,
        )
        free_at = sa.func.min(sa.func.coalesce(Attempt.lease_until, Attempt.not_before))
        rows = session.execute(
            sa.select(Campaign.slug, Attempt.kind, hold, sa.func.count(), free_at)
            .outerjoin(Campaign, Campaign.id == Attempt.campaign_id)
            .where(Attempt.status.in_(OPEN_ATTEMPTS), ~Freeze.holds(Attempt.campaign_id))
            .group_by(Campaign.slug, Attempt.kind, hold)
            .order_by(Campaign.slug, Attempt.kind)
        ).all()
    for slug, kind, why, count, free_at in rows:
        after = until(free_at) if why == _UNANSWERED else ""
        yield f"{slug or 'the platform'}: {count} {call_of(kind).name} {why}{after}"


def describe_parked_events() -> Iterator[str]:
    """Say how many events name an object nobody knows, and when they are looked at again."""
    with reading() as session:
        count, next_at = session.execute(
            sa.select(sa.func.count(), sa.func.min(InboxEvent.not_before)).where(
                InboxEvent.status == InboxStatus.PARKED
            )
        ).one()
    if count:
        yield f"the inbox: {count} events about objects not known here are parked{until(next_at)}"
