"""The platform's own vitals: its workers, and the mails that wait."""

from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.errors import N_
from octo.health.heartbeat import list_workers
from octo.health.longest_times import LongestTime
from octo.health.vitals import Alert, Gauge, Times, Vitals, figure
from octo.mail.outbox import MessageStatus, OutboxMessage

NEVER: Final = -1.0
LONGEST_TIMES: Final = (
    LongestTime(
        "mail_late",
        N_("Mails have waited over a day to be sent: %(count)s."),
        OutboxMessage.status == MessageStatus.PENDING,
        since=(OutboxMessage.created_at,),
        longest=timedelta(days=1),
    ),
)


def read_platform(session: Session, times: Times) -> Vitals:
    """Read who works and what mail waits."""
    workers = list_workers(session)
    alive = [worker for worker in workers if worker.is_alive(times.machine)]
    ages = [(times.machine - worker.beat_at).total_seconds() for worker in workers]
    waiting, due = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count().filter(
                sa.or_(
                    OutboxMessage.next_try_at.is_(None), OutboxMessage.next_try_at <= times.machine
                )
            ),
        ).where(OutboxMessage.status == MessageStatus.PENDING)
    ).one()
    oldest = session.scalar(
        sa.select(sa.func.min(OutboxMessage.created_at)).where(
            OutboxMessage.status == MessageStatus.PENDING
        )
    )
    gauges = [
        figure("octo_workers", "Workers seen in the last two minutes.", len(alive)),
        figure(
            "octo_worker_seen_seconds",
            "Seconds since any worker was last seen; -1 when none was today.",
            min(ages, default=NEVER),
        ),
        Gauge(
            "octo_outbox_messages",
            "Mails not sent yet: all that wait, and those of them that are due.",
            {("waiting",): waiting, ("due",): due},
            labels=("state",),
        ),
        figure(
            "octo_outbox_oldest_seconds",
            "Age of the oldest mail not sent yet, in business time.",
            max((times.business - oldest) / timedelta(seconds=1), 0) if oldest else 0,
        ),
    ]
    alerts = []
    if not alive:
        alerts.append(
            Alert("worker_not_seen", N_("No worker was seen in the last two minutes: start one."))
        )
    return Vitals(gauges, alerts)
