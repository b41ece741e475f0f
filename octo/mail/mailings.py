"""Write a mail to an audience, a part at a time: each member once, whatever dies in between.

A mailing is opened by the event it tells, and remembers how far it has come. A part of the
audience and that place are one commit, so a worker killed between two of them loses nothing
and repeats nothing; two workers never write at the same mailing.
"""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Mapped, Session, mapped_column

from octo.clock import Clock
from octo.database import Id, Instant, Model, big_id, reading, transaction
from octo.events.consumers import Consumer
from octo.events.record import Event
from octo.mail.audiences import Audience, Recipient, announcements_of
from octo.mail.kinds import kind_of
from octo.mail.outbox import OutboxMessage, enqueue
from octo.mail.preferences import NOWHERE, find_refusing
from octo.scheduler import JobReport

CONSUMER: Final = "mails"
BATCH: Final = 200
BATCHES_A_RUN: Final = 10


class Mailing(Model):
    """One mail to one audience about one event; ``position`` is the key of its last reader.

    ``closed_at`` is machine time: when the last of them was written.
    """

    __tablename__ = "mailing"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "template", "audience", name="uq_mailing_once"),
        sa.CheckConstraint("position >= 0", name="position_not_negative"),
        sa.CheckConstraint("written_count >= 0", name="count_not_negative"),
        sa.Index("ix_mailing_closed_at", "closed_at"),
    )

    id: Mapped[Id]
    event_id: Mapped[int] = big_id("event.id")
    template: Mapped[str] = mapped_column(sa.String(60))
    audience: Mapped[str] = mapped_column(sa.String(60))
    position: Mapped[int] = mapped_column(sa.BigInteger(), default=0)
    written_count: Mapped[int] = mapped_column(default=0)
    closed_at: Mapped[Instant | None]


def mailing_consumer(app: Flask) -> Consumer:
    """Return who opens a mailing for each event that is told to an audience."""
    announcements = announcements_of(app)

    def open_mailings(session: Session, event: Event) -> None:
        session.add_all(
            Mailing(event_id=event.id, template=one.template, audience=one.audience.name)
            for one in announcements
            if one.event == event.name
        )

    return Consumer(CONSUMER, frozenset(one.event for one in announcements), open_mailings)


def write_mailings(app: Flask, *, clock: Clock) -> JobReport:
    """Write the next parts of every open mailing; raises, at the end, what one of them raised."""
    audiences = {one.audience.name: one.audience for one in announcements_of(app)}
    done = 0
    errors: list[Exception] = []
    for mailing_id, audience in _open_mailings():
        try:
            done += _write(mailing_id, audiences[audience], clock=clock)
        except Exception as error:  # noqa: BLE001 - one mailing's trouble stops no other
            errors.append(error)
    if errors:
        raise errors[0]
    return JobReport(done=done)


def _open_mailings() -> Sequence[tuple[int, str]]:
    with reading() as session:
        rows = session.execute(
            sa.select(Mailing.id, Mailing.audience)
            .where(Mailing.closed_at.is_(None))
            .order_by(Mailing.id)
        )
        return [(mailing_id, audience) for mailing_id, audience in rows]


def _write(mailing_id: int, audience: Audience, *, clock: Clock) -> int:
    done = 0
    for _ in range(BATCHES_A_RUN):
        read = _write_batch(mailing_id, audience, clock=clock)
        done += read
        if read < BATCH:
            break
    return done


def _write_batch(mailing_id: int, audience: Audience, *, clock: Clock) -> int:
    """Write one part of a mailing, in one commit; return how many of the audience it read."""
    with transaction() as session:
        mailing = session.scalars(
            sa.select(Mailing)
            .where(Mailing.id == mailing_id, Mailing.closed_at.is_(None))
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if mailing is None:
            return 0
        event = session.get_one(Event, mailing.event_id)
        found = audience.find(session, event, after=mailing.position, limit=BATCH)
        for recipient in _unwritten(session, mailing, found):
            enqueue(
                session,
                to=recipient.email,
                locale=recipient.locale,
                template=mailing.template,
                context={**event.details, "name": recipient.name, **recipient.context},
                at=event.happened_at,
                mailing_id=mailing.id,
            )
            mailing.written_count += 1
        if found:
            mailing.position = found[-1].key
        if len(found) < BATCH:
            mailing.closed_at = clock.machine_now()
        return len(found)


def _unwritten(
    session: Session, mailing: Mailing, found: Sequence[Recipient]
) -> Sequence[Recipient]:
    """Leave out who has this mail already, who does not want its kind, and who is gone."""
    first = {recipient.email: recipient for recipient in reversed(found)}
    written = session.scalars(
        sa.select(OutboxMessage.email).where(
            OutboxMessage.mailing_id == mailing.id, OutboxMessage.email.in_(first)
        )
    )
    refusing = find_refusing(session, kind_of(mailing.template), first)
    skipped = {*written, *refusing}
    return [
        recipient
        for email, recipient in first.items()
        if email not in skipped and not email.endswith(NOWHERE)
    ]
