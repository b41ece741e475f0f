"""Transactions that begin as they mean to end: eight threads lose nothing."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from octo.app import FROZEN_AFTER_SECONDS
from octo.clock import BusinessClock
from octo.database import alone, configure_engine, db, lock, reading, transaction
from octo.errors import NotFoundError
from tests import site

THREADS = 8
ROUNDS = 25

pytestmark = pytest.mark.both_engines


@pytest.fixture
def app(database: str, tmp_path: Path) -> Iterator[Flask]:
    """Build the site without Stripe, with one row to count in."""
    built = site.build_app(site.site_environ(database, tmp_path / "instance"))
    with built.app_context():
        with transaction() as session:
            session.add(BusinessClock(id=1, offset_seconds=0))
        yield built
    site.close(built)


def _in_threads(work: Callable[[], None]) -> list[Exception]:
    failures: list[Exception] = []
    together = threading.Barrier(THREADS)

    def run() -> None:
        together.wait()
        for _ in range(ROUNDS):
            try:
                work()
            except Exception as error:  # noqa: BLE001 - told to the test
                failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def _count(session: Session) -> int:
    return session.scalars(sa.select(BusinessClock.offset_seconds)).one()


@pytest.mark.slow
def test_eight_threads_of_read_modify_write_lose_nothing(app: Flask) -> None:
    def add_one() -> None:
        with app.app_context(), transaction() as session:
            lock(session, BusinessClock, id=1).offset_seconds += 1

    failures = _in_threads(add_one)

    assert failures == []
    with reading() as session:
        assert _count(session) == THREADS * ROUNDS


def test_the_drivers_own_way_of_beginning_loses_writes(app: Flask) -> None:
    """Prove that the test above could fail: read, then write, with no lock taken first."""
    engine = sa.create_engine(db.engine.url)
    if engine.dialect.name == "postgresql":
        configure_engine(engine)

    def add_one() -> None:
        with engine.connect() as connection:
            seen = connection.scalar(sa.text("SELECT offset_seconds FROM business_clock"))
            change = sa.text("UPDATE business_clock SET offset_seconds = :value")
            connection.execute(change, {"value": (seen or 0) + 1})
            connection.commit()

    _in_threads(add_one)
    engine.dispose()

    with reading() as session:
        assert _count(session) < THREADS * ROUNDS


def test_a_lock_outside_a_transaction_is_a_bug(app: Flask) -> None:
    with pytest.raises(AssertionError, match="outside transaction"):
        lock(db.session(), BusinessClock, id=1)


def test_a_lock_reads_the_row_anew(app: Flask) -> None:
    with transaction() as session:
        held = session.get_one(BusinessClock, 1)
        session.execute(sa.text("UPDATE business_clock SET offset_seconds = 7"))
        assert held.offset_seconds == 0
        assert lock(session, BusinessClock, id=1) is held
        assert held.offset_seconds == 7


def test_locking_what_is_not_there_is_a_refusal(app: Flask) -> None:
    with transaction() as session, pytest.raises(NotFoundError):
        lock(session, BusinessClock, id=2)


def test_transactions_do_not_nest(app: Flask) -> None:
    with transaction(), pytest.raises(AssertionError, match="nest"), transaction():
        pass


def test_a_failed_transaction_leaves_nothing(app: Flask) -> None:
    def change_and_fail() -> None:
        with transaction() as session:
            lock(session, BusinessClock, id=1).offset_seconds = 99
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()

    with reading() as session:
        assert _count(session) == 0


def test_a_connection_lost_while_it_rested_is_replaced(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    if db.engine.dialect.name != "postgresql":
        return
    monkeypatch.setattr("octo.database.REST_SECONDS", 0.0)
    db.session.remove()
    other = sa.create_engine(db.engine.url)
    with other.connect() as connection:
        ended = connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        ).all()
    other.dispose()

    with transaction() as session:
        lock(session, BusinessClock, id=1).offset_seconds = 5

    assert ended
    with reading() as session:
        assert _count(session) == 5


def test_a_frozen_process_does_not_keep_its_locks(app: Flask) -> None:
    if db.engine.dialect.name != "postgresql":
        return
    with reading() as session:
        setting = sa.text("SHOW idle_in_transaction_session_timeout")
        assert session.scalar(setting) == f"{FROZEN_AFTER_SECONDS}s"


def test_what_is_run_alone_is_committed_or_refused_by_itself(app: Flask) -> None:
    with alone() as (_, run):
        run("UPDATE business_clock SET offset_seconds = 3", ())
    with pytest.raises(sa.exc.IntegrityError), alone() as (_, run):
        run("UPDATE business_clock SET id = 2", ())

    with transaction() as session:
        assert lock(session, BusinessClock, id=1).offset_seconds == 3


def test_sqlite_is_durable_and_honest(app: Flask) -> None:
    if db.engine.dialect.name != "sqlite":
        return
    with db.engine.connect() as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }

    assert values == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
    }
