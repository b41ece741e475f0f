"""Read Stripe's own list of events into the inbox: what a webhook lost, this finds.

The cursor follows Stripe's ``created``, with an overlap, since events are listed in no
strict order; one already kept is dropped by its id.
"""

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import sqlalchemy as sa

from octo.clock import Clock
from octo.database import reading, transaction
from octo.scheduler import JobReport
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import PollCursor
from payments.webhooks.inbox import BATCH, store_events

OVERLAP: Final = timedelta(minutes=10)
FIRST_LOOK_BACK: Final = timedelta(days=30)
_EVENTS: Final = "events"


def poll_events(*, gateway: Gateway, clock: Clock) -> JobReport:
    """Store every event of Stripe's list since the cursor that the inbox does not have."""
    since = _since(clock)
    newest = since
    stored = 0
    try:
        events = iter(gateway.list_events(since=since - OVERLAP))
        while batch := list(islice(events, BATCH)):
            stored += store_events((event.payload for event in batch), clock=clock)
            newest = max(newest, *(event.created_at for event in batch))
    except StripeAwayError as error:
        return JobReport(done=stored, waiting=[f"the list of events: {error}"], is_away=True)
    _move_cursor(newest)
    return JobReport(done=stored)


def _since(clock: Clock) -> datetime:
    with reading() as session:
        seen = session.scalar(sa.select(PollCursor.seen_until).where(PollCursor.name == _EVENTS))
        return seen if seen is not None else clock.now() - FIRST_LOOK_BACK


def _move_cursor(to: datetime) -> None:
    with transaction() as session:
        cursor = session.scalars(
            sa.select(PollCursor).where(PollCursor.name == _EVENTS).with_for_update()
        ).one_or_none()
        if cursor is None:
            session.add(PollCursor(name=_EVENTS, seen_until=to))
        else:
            cursor.seen_until = max(cursor.seen_until, to)
