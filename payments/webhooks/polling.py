"""Read Stripe's own list of events into the inbox: what a webhook lost, this finds.

The cursor follows Stripe's ``created``, with an overlap, since events are listed in no
strict order; one already kept is dropped by its id. Most looks overlap by a minute, and one in
ten minutes by all of ten: a deadline night makes hundreds of events a second.
"""

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.clock import Clock
from octo.database import reading, transaction
from octo.scheduler import JobReport
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import PollCursor
from payments.webhooks.inbox import BATCH, store_events

OVERLAP: Final = timedelta(minutes=10)
BRIEF_OVERLAP: Final = timedelta(minutes=1)
FIRST_LOOK_BACK: Final = timedelta(days=30)
_EVENTS: Final = "events"
_WHOLE: Final = "events, the whole overlap"


def poll_events(*, gateway: Gateway, clock: Clock) -> JobReport:
    """Store every event of Stripe's list since the cursor that the inbox does not have."""
    with reading() as session:
        now = clock.now()
        newest = _seen_until(session, _EVENTS) or now - FIRST_LOOK_BACK
        looked = _seen_until(session, _WHOLE)
    is_whole = looked is None or now - looked >= OVERLAP
    since = min(newest, looked or newest) - OVERLAP if is_whole else newest - BRIEF_OVERLAP
    stored = 0
    try:
        events = iter(gateway.list_events(since=since))
        while batch := list(islice(events, BATCH)):
            stored += store_events([event.payload for event in batch], clock=clock)
            newest = max(newest, *(event.created_at for event in batch))
    except StripeAwayError as error:
        return JobReport(done=stored, waiting=[f"the list of events: {error}"], is_away=True)
    _move_cursor(_EVENTS, newest)
    if is_whole:
        _move_cursor(_WHOLE, now)
    return JobReport(done=stored)


def _seen_until(session: Session, name: str) -> datetime | None:
    return session.scalar(sa.select(PollCursor.seen_until).where(PollCursor.name == name))


def _move_cursor(name: str, to: datetime) -> None:
    with transaction() as session:
        cursor = session.scalars(
            sa.select(PollCursor).where(PollCursor.name == name).with_for_update()
        ).one_or_none()
        if cursor is None:
            session.add(PollCursor(name=name, seen_until=to))
        else:
            cursor.seen_until = max(cursor.seen_until, to)
