"""Events: rows of what caused them, each read once by each reader, in order, whatever dies."""

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from octo.clock import DatabaseClock
from octo.database import db, reading, transaction
from octo.events import consumers
from octo.events.consumers import Consumer, EventCursor, consume, find_complete_id
from octo.events.record import Event, EventName, UnknownEventError, record_event
from octo.health.vitals import read_vitals
from octo.scheduler import JobReport
from tests.visitor import refresh

NOON: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
CLOCK: Final = DatabaseClock()
Read = list[str]


class Tide(EventName):
    ROSE = "tide.rose"
    FELL = "tide.fell"


def record(subject: str, name: EventName = Tide.ROSE) -> None:
    with transaction() as session:
        record_event(session, name, subject, NOON)


def reader(read: Read, *names: EventName, name: str = "gulls") -> Consumer:
    """Make a reader that notes subjects, past the database."""

    def handle(_session: Session, event: Event) -> None:
        read.append(event.subject)

    return Consumer(name, frozenset(names or Tide), handle)


def run(consumer: Consumer) -> JobReport:
    return consume(consumer, clock=CLOCK)


@pytest.fixture
def elsewhere(app: Flask) -> Iterator[Session]:
    """Give a transaction of somebody else; only PostgreSQL lets two write at once."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("on SQLite there is one writer at a time")
    with Session(db.engine) as session:
        yield session
        session.rollback()


def test_an_event_rolled_back_with_its_cause_never_happened(app: Flask) -> None:
    def rise_and_fail() -> None:
        with transaction() as session:
            record_event(session, Tide.ROSE, "tid_1", NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        rise_and_fail()

    read: Read = []
    assert run(reader(read)).done == 0
    assert read == []


def test_a_name_that_no_package_declares_is_refused(app: Flask) -> None:
    with pytest.raises(UnknownEventError), transaction() as session:
        record_event(session, "tide.turned", "tid_1", NOON)  # type: ignore[arg-type]


def test_no_name_is_declared_twice(app: Flask) -> None:
    names = [name.value for declared in EventName.__subclasses__() for name in declared]

    assert "pledge.activated" in names
    assert len(names) == len(set(names))


@pytest.mark.parametrize("fact", ["token", "email", "url"])
def test_an_event_names_no_person_and_holds_no_link(app: Flask, fact: str) -> None:
    with pytest.raises(AssertionError, match=fact), transaction() as session:
        record_event(session, Tide.ROSE, "tid_1", NOON, **{fact: "x"})


def test_each_reader_reads_its_events_once_in_their_order(app: Flask) -> None:
    for number in range(5):
        record(f"tid_{number}", Tide.FELL if number % 2 else Tide.ROSE)
    every: Read = []
    some: Read = []

    for _ in range(3):
        run(reader(every))
        run(reader(some, Tide.FELL, name="crabs"))
    record("tid_5", Tide.FELL)
    run(reader(every))
    run(reader(some, Tide.FELL, name="crabs"))

    assert every == [f"tid_{number}" for number in range(6)]
    assert some == ["tid_1", "tid_3", "tid_5"]


def test_more_events_than_a_run_reads_are_read_by_the_next(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "BATCH", 2)
    for number in range(5):
        record(f"tid_{number}")
    read: Read = []

    done = [run(reader(read)).done for _ in range(4)]

    assert done == [2, 2, 1, 0]
    assert read == [f"tid_{number}" for number in range(5)]


def test_an_event_that_is_committed_late_is_not_passed_over(
    app: Flask, elsewhere: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "WRITERS_TIMEOUT_SECONDS", 0.1)
    read: Read = []
    record_event(elsewhere, Tide.ROSE, "late", NOON)
    elsewhere.flush()
    record("early")

    waiting = run(reader(read))

    assert (waiting.done, read) == (0, [])
    assert waiting.waiting == ["events: gulls waits for a long transaction to end"]
    elsewhere.commit()
    assert run(reader(read)).done == 2
    assert read == ["late", "early"], "the ids were given in this order"


def test_a_reader_waits_a_moment_for_who_writes_and_for_nobody_who_began_since(
    app: Flask, elsewhere: Session
) -> None:
    record_event(elsewhere, Tide.ROSE, "late", NOON)
    elsewhere.flush()
    record("early")
    read: Read = []
    threading.Timer(0.3, elsewhere.commit).start()

    assert run(reader(read)).done == 2
    assert read == ["late", "early"]


def test_what_was_rolled_back_leaves_no_gap_that_anybody_waits_for(
    app: Flask, elsewhere: Session
) -> None:
    record_event(elsewhere, Tide.ROSE, "never", NOON)
    elsewhere.flush()
    record("early")
    elsewhere.rollback()
    read: Read = []

    assert run(reader(read)).done == 1
    assert read == ["early"]


def test_a_cursor_that_another_worker_holds_is_left_to_it(app: Flask, elsewhere: Session) -> None:
    record("tid_1")
    run(reader([]))
    record("tid_2")
    elsewhere.scalars(sa.select(EventCursor).with_for_update()).one()
    read: Read = []

    assert run(reader(read)).done == 0
    elsewhere.rollback()
    assert run(reader(read)).done == 1
    assert read == ["tid_2"]


def test_what_a_killed_worker_had_begun_is_done_again_whole(app: Flask) -> None:
    record("tid_1")
    record("tid_2")

    def die(session: Session, event: Event) -> None:
        record_event(session, Tide.FELL, f"after {event.subject}", NOON)
        if event.subject == "tid_2":
            raise KeyboardInterrupt

    def echo(session: Session, event: Event) -> None:
        record_event(session, Tide.FELL, f"after {event.subject}", NOON)

    risen = frozenset({Tide.ROSE})
    with pytest.raises(KeyboardInterrupt):
        run(Consumer("gulls", risen, die))
    run(Consumer("gulls", risen, echo))

    refresh()
    echoes = sa.select(Event.subject).filter_by(name=Tide.FELL.value).order_by(Event.id)
    assert db.session.scalars(echoes).all() == ["after tid_1", "after tid_2"]


def test_an_event_that_cannot_be_handled_stops_its_reader_and_says_so(app: Flask) -> None:
    for subject in ("tid_1", "bad", "tid_2"):
        record(subject)
    read: Read = []
    troubles = itertools.count()

    def handle(session: Session, event: Event) -> None:
        record_event(session, Tide.FELL, f"after {event.subject}", NOON)
        session.flush()
        if event.subject == "bad" and next(troubles) < 2:
            raise ValueError(event.subject)
        read.append(event.subject)

    consumer = Consumer("gulls", frozenset({Tide.ROSE}), handle)
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            run(consumer)

    assert read == ["tid_1"]
    assert "event_not_handled" in alerts(app)
    assert run(consumer).done == 2
    assert read == ["tid_1", "bad", "tid_2"]
    assert "event_not_handled" not in alerts(app)
    refresh()
    kept = sa.select(sa.func.count()).where(Event.name == Tide.FELL.value)
    assert db.session.scalar(kept) == 3, "what a failure had written is gone"


def alerts(app: Flask) -> set[str]:
    refresh()
    return {alert.code for alert in read_vitals(app, CLOCK).alerts}


def test_many_workers_read_each_event_once(app: Flask) -> None:
    echoed = Consumer("gulls", frozenset({Tide.ROSE}), echo_once)
    for number in range(30):
        record(f"tid_{number:02}")

    in_threads(app, 4, lambda: [run(echoed) for _ in range(20)])

    refresh()
    echoes = sa.select(Event.subject).filter_by(name=Tide.FELL.value).order_by(Event.id)
    assert db.session.scalars(echoes).all() == [f"tid_{number:02}" for number in range(30)]


def echo_once(session: Session, event: Event) -> None:
    record_event(session, Tide.FELL, event.subject, NOON)


def in_threads(app: Flask, count: int, act: Callable[[], object]) -> None:
    errors: list[BaseException] = []

    def live() -> None:
        with app.app_context():
            try:
                act()
            except Exception as error:  # noqa: BLE001 - told by the test
                errors.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=live) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_writers_never_lose_an_event_to_a_reader(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("on SQLite there is one writer at a time")
    numbers = itertools.count()
    read: Read = []
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            run(reader(read))

    def write_some() -> None:
        for _ in range(25):
            record(f"tid_{next(numbers)}")

    watching = threading.Thread(target=in_threads, args=(app, 1, watch))
    watching.start()
    in_threads(app, 4, write_some)
    is_over.set()
    watching.join()
    run(reader(read))

    refresh()
    with reading() as session:
        assert read == list(session.scalars(sa.select(Event.subject).order_by(Event.id)))
        assert find_complete_id(after=0) == session.scalar(sa.select(sa.func.max(Event.id)))
