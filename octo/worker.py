"""The worker: ticks the jobs until it is told to stop, or does all that is due once.

APScheduler is only the clock. Each job has a thread of its own, so that a long settlement
keeps no mail waiting, and never runs twice at once in one process; more workers are more
processes.
"""

import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

import sqlalchemy as sa
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from octo.clock import BusinessClock, real_now
from octo.database import db, reading, transaction
from octo.health import heartbeat
from octo.runtime import Runtime
from octo.scheduler import Job, JobReport, jobs

MOST_PASSES: Final = 1000
BEAT_EVERY_SECONDS: Final = 10
DRAIN_SECONDS: Final = 28.0
LONGEST_PAUSE_SECONDS: Final = 60.0

_log = structlog.get_logger()
_stop = threading.Event()


def stop_requested() -> bool:
    """Tell whether the worker was told to drain: what runs long looks here between steps."""
    return _stop.is_set()


@dataclass
class Due:
    """What one ``--once`` run did, and what must wait and why."""

    done: int = 0
    waiting: list[str] = field(default_factory=list)


def run_due(app: Flask, *, on_pass: Callable[[int], None] = lambda _: None) -> Due:
    """Do all that is due now, pass after pass, until a pass does nothing.

    Raises what a job raises: a command shows it, a test sees it. A reason that several jobs
    give is given once.
    """
    total = 0
    _beat(app, f"{heartbeat.WORKER}once")
    for _ in range(MOST_PASSES):
        reports = [_run(app, job) for job in jobs(app).values() if not stop_requested()]
        done = sum(report.done for report in reports)
        total += done
        on_pass(total)
        if done == 0 or stop_requested():
            break
    reasons = [reason for report in reports for reason in report.waiting]
    if stop_requested():
        reasons.append("the worker was told to stop before everything was done")
    return Due(total, list(dict.fromkeys(reasons)))


def run_worker(app: Flask) -> None:
    """Tick every job until SIGTERM or SIGINT, then let those that run come to their end."""
    _stop.clear()
    every = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler = BlockingScheduler(
        executors={"default": ThreadPoolExecutor(len(jobs(app)) + 1)},
        job_defaults=every,
        timezone="UTC",
    )
    name = f"{heartbeat.WORKER}{uuid.uuid4()}"
    scheduler.add_job(
        _beat, "interval", seconds=BEAT_EVERY_SECONDS, args=(app, name), next_run_time=real_now()
    )
    for job in jobs(app).values():
        scheduler.add_job(
            Ticker(app, job).tick,
            "interval",
            seconds=job.every_seconds,
            id=job.name,
            name=job.name,
            next_run_time=real_now(),
        )
    with draining_on_signals(lambda: scheduler.shutdown(wait=True)):
        _log.info("worker_started", jobs=len(jobs(app)))
        scheduler.start()
    _sign_off(app, name)
    _log.info("worker_stopped")


@contextmanager
def draining_on_signals(on_stop: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Have SIGTERM and SIGINT ask what runs to come to its end, and end it if it does not.

    What is cut short then is what a kill leaves: an attempt under a lease, to be sent again
    under its key by whoever comes next.
    """

    def stop(_signal: int, _frame: FrameType | None) -> None:
        _stop.set()
        threading.Thread(target=on_stop, daemon=True).start()
        limit = threading.Timer(DRAIN_SECONDS, _leave)
        limit.daemon = True
        limit.start()

    known = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)


def _leave() -> None:
    _log.error("worker_cut_short", seconds=DRAIN_SECONDS)
    os._exit(1)


@dataclass
class Ticker:
    """One job on its clock; left alone for a while, ever longer, while what it needs is away."""

    app: Flask
    job: Job
    _times_away: int = 0
    _not_before: float = 0.0
    _has_come_through: bool = False

    def tick(self) -> None:
        """Run the job and never let it end the worker: what failed is tried at the next tick."""
        if stop_requested() or time.monotonic() < self._not_before or _is_time_moving(self.app):
            return
        try:
            report = _run(self.app, self.job)
        except Exception:  # noqa: BLE001 - whatever one job raises, the others go on
            _log.exception("job_failed", job=self.job.name)
            self._has_come_through = False
            _note_failure(self.app, self.job)
            return
        if not self._has_come_through:
            self._has_come_through = _note_success(self.app, self.job)
        self._times_away = self._times_away + 1 if report.is_away else 0
        self._not_before = time.monotonic() + self._pause()

    def _pause(self) -> float:
        if not self._times_away:
            return 0.0
        doubled = self.job.every_seconds * float(1 << min(self._times_away, 10))
        return min(doubled, LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads tries, guards nothing


def _beat(app: Flask, name: str) -> None:
    """Note that this worker lives."""
    runtime: Runtime = app.extensions["octo.runtime"]
    with app.app_context(), transaction() as session:
        machine = runtime.clock.machine_now()
        heartbeat.beat(session, name, at=machine)
        heartbeat.forget_dead_workers(session, at=machine)


def _note_failure(app: Flask, job: Job) -> None:
    """Have somebody woken if this goes on; where the database fails too, that is said by itself."""
    runtime: Runtime = app.extensions["octo.runtime"]
    with suppress(SQLAlchemyError), app.app_context(), transaction() as session:
        heartbeat.note_failure(session, job.name, at=runtime.clock.machine_now())


def _note_success(app: Flask, job: Job) -> bool:
    """Take back what was noted of a job that failed; tell whether that could be written."""
    with suppress(SQLAlchemyError):
        _sign_off(app, f"{heartbeat.FAILING_JOB}{job.name}")
        return True
    return False


def _sign_off(app: Flask, name: str) -> None:
    with app.app_context(), transaction() as session:
        heartbeat.forget(session, name)


def _run(app: Flask, job: Job) -> JobReport:
    with app.app_context():
        report = job.run()
    if report.done:
        _log.info("job_done", job=job.name, done=report.done)
    return report


def _is_time_moving(app: Flask) -> bool:
    """Tell whether a demo is moving business time: nothing is claimed meanwhile."""
    with app.app_context(), reading() as session:
        moving = session.scalar(sa.select(BusinessClock.is_moving).where(BusinessClock.id == 1))
        db.session.remove()
    return bool(moving)
