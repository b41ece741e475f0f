"""The vitals of the platform's workers."""

from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from octo.errors import N_
from octo.health.heartbeat import list_failing_jobs, list_workers
from octo.health.vitals import Alert, Times, Vitals, figure

NEVER: Final = -1.0
FAILS_AT_MOST: Final = timedelta(minutes=3)


def read_workers(session: Session, times: Times) -> Vitals:
    """Read who works."""
    workers = list_workers(session)
    alive = [worker for worker in workers if worker.is_alive(times.machine)]
    ages = [(times.machine - worker.beat_at).total_seconds() for worker in workers]
    gauges = [
        figure("octo_workers", "Workers seen in the last two minutes.", len(alive)),
        figure(
            "octo_worker_seen_seconds",
            "Seconds since any worker was last seen; -1 when none was today.",
            min(ages, default=NEVER),
        ),
    ]
    alerts = []
    if not alive:
        alerts.append(
            Alert("worker_not_seen", N_("No worker was seen in the last two minutes: start one."))
        )
    failing = list_failing_jobs(session, since=times.machine - FAILS_AT_MOST)
    alerts += [
        Alert(
            "job_failing",
            N_("The job %(job)s has failed for minutes: the worker's log has the error."),
            subject=job,
            params={"job": job},
        )
        for job in failing
    ]
    gauges.append(figure("octo_jobs_failing", "Jobs that have failed for minutes.", len(failing)))
    return Vitals(gauges, alerts)
