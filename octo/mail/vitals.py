"""The vitals of mail: what waits, and for how long it may."""

from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.errors import N_
from octo.health.longest_times import LongestTime
from octo.health.vitals import Gauge, Times, Vitals, figure
from octo.mail.outbox import MessageStatus, OutboxMessage

_PENDING: Final = OutboxMessage.status == MessageStatus.PENDING
LONGEST_TIMES: Final = (
    LongestTime(
        "mail_late",
        N_("Mails have waited over a day to be sent: %(count)s."),
        # One that nobody tried yet waits for a worker, which is an alert of its own.
        sa.and_(_PENDING, OutboxMessage.tries_count > 0),
        since=(OutboxMessage.created_at,),
        longest=timedelta(days=1),
    ),
)


def read_outbox(session: Session, times: Times) -> Vitals:
    """Read what mail waits."""
    waiting, due = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count().filter(
                sa.or_(
                    OutboxMessage.next_try_at.is_(None), OutboxMessage.next_try_at <= times.machine
                )
            ),
        ).where(_PENDING)
    ).one()
    oldest = session.scalar(sa.select(sa.func.min(OutboxMessage.created_at)).where(_PENDING))
    gauges = [
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
    return Vitals(gauges)
