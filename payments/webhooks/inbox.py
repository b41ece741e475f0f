"""The inbox: store an event once, handle it later by asking Stripe for the object it names.

An event is only a sign: what is true is fetched, so neither order nor repetition matters.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite

from octo.clock import Clock
from octo.config import Settings
from octo.database import PASSING_TROUBLE, lock, reading, transaction
from octo.errors import OctoError
from octo.scheduler import JobReport
from payments.blocked import describe_parked_events
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import InboxEvent, InboxStatus
from payments.settings import StripeSettings
from payments.webhooks.handlers import find_handler

_log = structlog.get_logger()

BATCH: Final = 100
GROUP_SECONDS: Final = 0.5
TURN_SECONDS: Final = 2.0
PARKED_FOR: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
Due = sa.Row[int, str, str | None, dict[str, Any]]
Ended = tuple[int, InboxStatus]
_ABOUT_OWNERS: Final = ("account.", "v2.core.account")


def store_event(event: dict[str, Any], *, clock: Clock) -> bool:
    """Keep an event for later; one already kept changes nothing and returns ``False``."""
    return store_events([event], clock=clock) == 1


def store_events(events: Sequence[dict[str, Any]], *, clock: Clock) -> int:
    """Keep events for later, in one commit; return how many were not kept before."""
    with reading() as session:
        ids = InboxEvent.stripe_event_id
        known = set(session.scalars(sa.select(ids).where(ids.in_([one["id"] for one in events]))))
    if len(known) == len(events):
        return 0
    with transaction() as session:
        now = clock.machine_now()
        is_sqlite = session.get_bind().dialect.name == "sqlite"
        insert = sqlite.insert if is_sqlite else postgresql.insert
        kept = insert(InboxEvent).on_conflict_do_nothing().returning(InboxEvent.id)
        rows = [_row_of(event, now) for event in events if event["id"] not in known]
        return len(session.scalars(kept, rows).all())


def _row_of(event: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "stripe_event_id": event["id"][:255],
        "type": str(event.get("type", ""))[:80],
        "object_id": _object_id_of(event),
        "payload": event,
        "status": InboxStatus.RECEIVED,
        "tries_count": 0,
        "received_at": now,
        "not_before": now,
    }


def _object_id_of(event: dict[str, Any]) -> str | None:
    """Return the id of what an event is about: v2 events name it without carrying it.

    https://docs.stripe.com/event-destinations#thin-events: ``related_object``, no ``data.object``.
    """
    data = event.get("data")
    carried = data.get("object") if isinstance(data, dict) else None
    subject = event.get("related_object") or carried
    return str(subject.get("id", ""))[:255] if isinstance(subject, dict) else None


def handle_inbox(*, gateway: Gateway, settings: Settings, clock: Clock) -> JobReport:
    """Handle the events that are due; one that fails waits and does not stop the others.

    A deadline night makes more than one batch of them a second: for a while one follows another.
    """
    done = 0
    end = time.monotonic() + TURN_SECONDS
    while True:
        batch = _due(clock)
        report = _handle_batch(batch, gateway=gateway, settings=settings, clock=clock)
        done += report.done
        if report.is_away or len(batch) < BATCH or time.monotonic() > end:
            waiting = [*report.waiting, *describe_parked_events()]
            return JobReport(done=done, waiting=waiting, is_away=report.is_away)


def _handle_batch(
    batch: Sequence[Due], *, gateway: Gateway, settings: Settings, clock: Clock
) -> JobReport:
    done = 0
    away: list[str] = []
    ended: list[Ended] = []
    grouped_since = time.monotonic()
    for event in batch:
        try:
            end = _handle(event, gateway=gateway, settings=settings, clock=clock)
        except StripeAwayError as error:
            _put_last(event.id)
            away.append(f"the inbox: {error}")
            break
        if end is not None:
            ended.append((event.id, end))
        if time.monotonic() - grouped_since > GROUP_SECONDS:
            done += _finish(ended, clock=clock)
            ended, grouped_since = [], time.monotonic()
    done += _finish(ended, clock=clock)
    return JobReport(done=done, waiting=away, is_away=bool(away))


def _due(clock: Clock) -> Sequence[Due]:
    with reading() as session:
        return session.execute(
            sa.select(InboxEvent.id, InboxEvent.type, InboxEvent.object_id, InboxEvent.payload)
            .where(
                InboxEvent.status.in_((InboxStatus.RECEIVED, InboxStatus.PARKED)),
                InboxEvent.not_before <= clock.machine_now(),
            )
            .order_by(InboxEvent.tries_count, InboxEvent.id)
            .limit(BATCH)
        ).all()


def _handle(
    event: Due,
    *,
    gateway: Gateway,
    settings: Settings,
    clock: Clock,
) -> InboxStatus | None:
    """Handle one event; return how it ended, ``None`` when it was parked."""
    event_id, kind, object_id, payload = event
    handler = find_handler(kind)
    if handler is None or not object_id or _is_foreign(kind, payload, settings):
        return InboxStatus.IGNORED
    try:
        is_known = handler(object_id, payload, gateway=gateway, settings=settings, clock=clock)
    except StripeAwayError:
        raise
    except OctoError as error:
        _log.warning("event_not_handled", inbox_event=event_id, type=kind, code=error.code)
        _park(event_id, error=f"{error.code}: {error}", clock=clock)
        return None
    except PASSING_TROUBLE:
        raise
    except Exception as error:  # noqa: BLE001 - one event nobody can handle stops no other
        _log.exception("event_not_handled", inbox_event=event_id, type=kind)
        _park(event_id, error=repr(error), clock=clock)
        return None
    if not is_known:
        _park(event_id, error="unknown object", clock=clock)
        return None
    return InboxStatus.HANDLED


def _is_foreign(kind: str, payload: dict[str, Any], settings: Settings) -> bool:
    """Tell whether an event is of the other mode, or of what an owner does with their account."""
    is_of_other_mode = (
        bool(payload.get("livemode", False)) is not settings.of(StripeSettings).is_live
    )
    is_of_owner = payload.get("account") is not None and not kind.startswith(_ABOUT_OWNERS)
    return is_of_other_mode or is_of_owner


def _finish(ended: Iterable[Ended], *, clock: Clock) -> int:
    """Write down, in one commit, the events that are over; what a kill forgets is handled again."""
    ids_by_end: dict[InboxStatus, list[int]] = {}
    for event_id, end in ended:
        ids_by_end.setdefault(end, []).append(event_id)
    if not ids_by_end:
        return 0
    with transaction() as session:
        now = clock.machine_now()
        for end, ids in ids_by_end.items():
            session.execute(
                sa.update(InboxEvent)
                .where(InboxEvent.id.in_(ids))
                .values(status=end, handled_at=now, error=None)
                .execution_options(synchronize_session=False)
            )
    return sum(map(len, ids_by_end.values()))


def _park(event_id: int, *, error: str, clock: Clock) -> None:
    """Keep an event whose object is unknown; it is tried again, ever more rarely, for ever."""
    with transaction() as session:
        event = lock(session, InboxEvent, id=event_id)
        event.status = InboxStatus.PARKED
        event.tries_count += 1
        event.error = error[:1000]
        event.not_before = _next_try(event.tries_count, clock.machine_now())


def _put_last(event_id: int) -> None:
    """Let the others go first next time, should it be this one that Stripe does not answer."""
    with transaction() as session:
        lock(session, InboxEvent, id=event_id).tries_count += 1


def _next_try(tries: int, now: datetime) -> datetime:
    doublings = min(tries - 1, 10)
    return now + min(PARKED_FOR * (1 << doublings), LONGEST_PAUSE)
