"""The worker: ticks the jobs until it is told to stop, or does all that is due once.

APScheduler is only the clock. Each job has a thread of its own, so that a long settlement
keeps no mail waiting, and never runs twice at once in one process; more workers are more
processes.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

import sqlalchemy as sa
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask

from octo.clock import BusinessClock, real_now
from octo.database import db, reading
from octo.scheduler import Job, JobReport, jobs

MOST_PASSES: Final = 1000

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

    Raises what a job raises: a command shows it, a test sees it.
    """
    total = 0
    for _ in range(MOST_PASSES):
        reports = [_run(app, job) for job in jobs(app).values()]
        done = sum(report.done for report in reports)
        total += done
        on_pass(total)
        if done == 0 or stop_requested():
            break
    return Due(total, [reason for report in reports for reason in report.waiting])


def run_worker(app: Flask) -> None:
    """Tick every job until SIGTERM or SIGINT, then let the one that runs come to its end."""
    _stop.clear()
    scheduler = BlockingScheduler(
        executors={"default": ThreadPoolExecutor(len(jobs(app)))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    for job in jobs(app).values():
        scheduler.add_job(
            _tick,
            "interval",
            seconds=job.every_seconds,
            args=(app, job),
            id=job.name,
            name=job.name,
            next_run_time=real_now(),
        )
    with _stopping_on_signals(scheduler):
        _log.info("worker_started", jobs=len(jobs(app)))
        scheduler.start()
    _log.info("worker_stopped")


@contextmanager
def _stopping_on_signals(scheduler: BlockingScheduler) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        _stop.set()
        threading.Thread(target=scheduler.shutdown, kwargs={"wait": True}, daemon=True).start()

    known = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)


def _tick(app: Flask, job: Job) -> None:
    """Run one job and never let it end the worker: what failed is tried again at the next tick."""
    if stop_requested() or _is_time_moving(app):
        return
    try:
        _run(app, job)
    except Exception:  # noqa: BLE001 - whatever one job raises, the others go on
        _log.exception("job_failed", job=job.name)


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
