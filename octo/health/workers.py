"""The vitals of the platform's workers."""

from typing import Final

from sqlalchemy.orm import Session

from octo.errors import N_
from octo.health.heartbeat import list_workers
from octo.health.vitals import Alert, Times, Vitals, figure

NEVER: Final = -1.0


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
    return Vitals(gauges, alerts)
