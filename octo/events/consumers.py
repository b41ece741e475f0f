"""Read events in their order, each once for each consumer, whatever dies in between.

A consumer's cursor is a row. What it does about an event is written in the transaction that
moves the cursor, so that neither is ever without the other; whoever finds the row locked leaves
it to the worker that holds it. What is done outside the database (a call, the sending of a mail)
is a row as well, for a job of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from octo.clock import Clock
from octo.database import PASSING_TROUBLE, Id, Instant, Model, reading, transaction
from octo.events.record import Event, EventName
from octo.runtime import Runtime
from octo.scheduler import Job, JobReport, register_job
from octo.writers import find_writers, have_ended

BATCH: Final = 100
EVERY_SECONDS: Final = 1
WRITERS_TIMEOUT_SECONDS: Final = 2.0
_TABLE: Final = Event.__tablename__


class EventCursor(Model):
    """How far one consumer has read; every event up to ``last_event_id`` is done with.

    ``failing_since`` is machine time: since when the next event cannot be handled, and why.
    """

    __tablename__ = "event_cursor"
    __table_args__ = (
        sa.CheckConstraint("last_event_id >= 0", name="position_not_negative"),
        sa.CheckConstraint(
            "(failing_since IS NULL) = (last_error = '')", name="failure_has_a_reason"
        ),
    )

    id: Mapped[Id]
    consumer: Mapped[str] = mapped_column(sa.String(60), unique=True)
    last_event_id: Mapped[int] = mapped_column(sa.BigInteger(), default=0)
    failing_since: Mapped[Instant | None]
    last_error: Mapped[str] = mapped_column(sa.String(255), default="")


@dataclass(frozen=True)
class Consumer:
    """Who reads events of certain names, and what it writes about each, in the given session."""

    name: str
    reads: frozenset[EventName]
    handle: Callable[[Session, Event], None]


def register_consumer(app: Flask, name: str, build: Callable[[], Consumer]) -> None:
    """Have a job read events for the consumer that ``build`` returns when all is registered."""
    runtime: Runtime = app.extensions["octo.runtime"]

    def run() -> JobReport:
        return consume(build(), clock=runtime.clock)

    register_job(app, Job(f"events_{name}", run, every_seconds=EVERY_SECONDS))


def consume(consumer: Consumer, *, clock: Clock) -> JobReport:
    """Handle the next events of a consumer; raises what the handling of one of them raises.

    Those before it are done and stay so; it comes first at the next run, and none comes before.
    """
    position = _find_position(consumer.name)
    through_id = find_complete_id(after=position)
    if through_id is None:
        return JobReport(waiting=[f"events: {consumer.name} waits for a long transaction to end"])
    if through_id == position:
        return JobReport()
    with transaction() as session:
        cursor = session.scalars(
            sa.select(EventCursor)
            .filter_by(consumer=consumer.name)
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if cursor is None or cursor.last_event_id >= through_id:
            return JobReport()
        events = _next_events(session, consumer, after=cursor.last_event_id, through=through_id)
        is_last = len(events) < BATCH
        done, error = _handle(session, consumer, events)
        if error is None:
            cursor.last_event_id = through_id if is_last else events[-1].id
            cursor.failing_since, cursor.last_error = None, ""
        else:
            cursor.last_event_id = events[done].id - 1
            cursor.failing_since = cursor.failing_since or clock.machine_now()
            cursor.last_error = f"{events[done].name}: {type(error).__name__}"[:255]
    if error is not None:
        raise error
    return JobReport(done=done)


def find_complete_id(*, after: int) -> int | None:
    """Return the newest event's id of which no earlier one can still be committed.

    Returns nothing while a transaction that may hold an earlier one goes on and on.
    """
    with reading() as session:
        newest = session.scalar(sa.select(sa.func.max(Event.id))) or 0
        writers = find_writers(session, _TABLE) if newest > after else frozenset()
    if newest <= after:
        return after
    is_complete = have_ended(writers, _TABLE, within_seconds=WRITERS_TIMEOUT_SECONDS)
    return newest if is_complete else None


def list_failing(session: Session) -> Sequence[tuple[str, datetime]]:
    """Return the consumers that stand before an event they cannot handle, and since when."""
    rows = session.execute(
        sa.select(EventCursor.consumer, EventCursor.failing_since)
        .where(EventCursor.failing_since.is_not(None))
        .order_by(EventCursor.consumer)
    )
    return [(consumer, since) for consumer, since in rows if since is not None]


def _find_position(consumer: str) -> int:
    """Return how far a consumer has read; one that never ran begins with the first event."""
    wanted = sa.select(EventCursor.last_event_id).filter_by(consumer=consumer)
    with reading() as session:
        found = session.scalar(wanted)
    if found is None:
        try:
            with transaction() as session:
                session.add(EventCursor(consumer=consumer))
        except IntegrityError:  # another worker began at the same moment
            return 0
    return found or 0


def _next_events(
    session: Session, consumer: Consumer, *, after: int, through: int
) -> Sequence[Event]:
    return session.scalars(
        sa.select(Event)
        .where(
            Event.id > after,
            Event.id <= through,
            Event.name.in_([name.value for name in consumer.reads]),
        )
        .order_by(Event.id)
        .limit(BATCH)
    ).all()


def _handle(
    session: Session, consumer: Consumer, events: Sequence[Event]
) -> tuple[int, Exception | None]:
    """Handle events in their order; return how many went well, and what stopped the next."""
    for done, event in enumerate(events):
        try:
            with session.begin_nested():
                consumer.handle(session, event)
        except PASSING_TROUBLE:
            raise
        except Exception as error:  # noqa: BLE001 - raised again once those before are kept
            return done, error
    return len(events), None
