"""Add what an operator watches: the two pages, and the job that puts alerts into the log."""

import time
from functools import partial
from typing import Final

import structlog
from flask import Flask

from octo.health.longest_times import read_too_long
from octo.health.pages import blueprint
from octo.health.vitals import read_vitals, register_vitals
from octo.health.workers import read_workers
from octo.runtime import Runtime
from octo.scheduler import Job, JobReport, register_job

EVERY_SECONDS: Final = 15
SAID_AGAIN_AFTER_SECONDS: Final = 3600.0

_log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    """Register the pages, the vitals of the workers and the job."""
    app.register_blueprint(blueprint)
    register_vitals(app, read_workers)
    register_vitals(app, partial(read_too_long, app))
    register_job(app, Job("watch", AlertLog(app).run, every_seconds=EVERY_SECONDS))


class AlertLog:
    """The alerts one worker has written to its log: each when it begins, hourly, and at its end."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._said: dict[tuple[str, str], float] = {}

    def run(self) -> JobReport:
        """Compare what stands now with what was said; nothing in the database changes."""
        runtime: Runtime = self._app.extensions["octo.runtime"]
        now = time.monotonic()
        alerts = read_vitals(self._app, runtime.clock).alerts
        vitals = {(alert.code, alert.subject): alert for alert in alerts}
        for key, alert in vitals.items():
            if now - self._said.get(key, -SAID_AGAIN_AFTER_SECONDS) >= SAID_AGAIN_AFTER_SECONDS:
                _log.error("alert", code=alert.code, subject=alert.subject, what=str(alert))
                self._said[key] = now
        for code, subject in self._said.keys() - vitals.keys():
            _log.info("alert_over", code=code, subject=subject)
            del self._said[code, subject]
        return JobReport()
