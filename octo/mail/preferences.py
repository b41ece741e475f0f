"""Which kinds of mail a person does not want, by address: with an account or without.

Receipts, and mails about money or security, are of no such kind: nothing here stops them.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from octo.clock import Clock
from octo.database import Id, Instant, Model, reading, transaction
from octo.errors import N_, InvalidError, NotFoundError
from octo.mail.kinds import TRANSACTIONAL, kind_of, templates_of
from octo.mail.outbox import MessageStatus, OutboxMessage

UNSUBSCRIBED: Final = "unsubscribed"
NOWHERE: Final = ".invalid"
"""Where no mail ever goes, says RFC 2606: the addresses of people who had themselves erased."""


class MailRefusal(Model):
    """A kind of mail that the reader of one address asked not to get, and when."""

    __tablename__ = "mail_refusal"
    __table_args__ = (
        sa.UniqueConstraint("email", "kind", name="uq_mail_refusal_once"),
        sa.CheckConstraint("email = lower(email)", name="email_normalised"),
        sa.CheckConstraint("kind <> 'transactional'", name="never_of_what_must_arrive"),
    )

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(sa.String(254))
    kind: Mapped[str] = mapped_column(sa.String(40))
    refused_at: Mapped[Instant]


def get_reader(message_id: str) -> tuple[str, str]:
    """Return the address a mail went to and the mail's kind; only its reader knows its link.

    Raises ``NotFoundError`` when the person is gone since, or the mail is.
    """
    with reading() as session:
        message = session.scalars(
            sa.select(OutboxMessage).filter_by(public_id=message_id)
        ).one_or_none()
    if message is None or message.email.endswith(NOWHERE):
        raise NotFoundError(N_("This link is not valid any more."))
    return message.email, kind_of(message.template)


def find_refused(email: str) -> set[str]:
    """Return the kinds that are not sent to an address."""
    with reading() as session:
        return set(session.scalars(sa.select(MailRefusal.kind).filter_by(email=email)))


def find_refusing(session: Session, kind: str, emails: Collection[str]) -> Sequence[str]:
    """Return which of these addresses get no mail of a kind."""
    if kind == TRANSACTIONAL:
        return ()
    wanted = sa.select(MailRefusal.email).where(
        MailRefusal.kind == kind, MailRefusal.email.in_(emails)
    )
    return session.scalars(wanted).all()


def unsubscribe(email: str, kind: str, *, clock: Clock) -> None:
    """Send no mail of a kind to an address any more; what still waits is not sent either.

    Raises ``InvalidError`` for what must arrive; asked twice, it changes nothing.
    """
    if kind == TRANSACTIONAL:
        raise InvalidError(N_("Receipts, and mails about money or security, are always sent."))
    choose_kinds(email, wanted=set(), offered={kind}, clock=clock)


def choose_kinds(
    email: str, *, wanted: Collection[str], offered: Collection[str], clock: Clock
) -> None:
    """Have an address get, of the kinds it was offered, those that are wanted alone."""
    with transaction() as session:
        at, machine_at = clock.both_now()
        refused = set(session.scalars(sa.select(MailRefusal.kind).filter_by(email=email)))
        for kind in offered:
            if kind in wanted and kind in refused:
                session.execute(sa.delete(MailRefusal).filter_by(email=email, kind=kind))
            elif kind not in wanted and kind not in refused:
                session.add(MailRefusal(email=email, kind=kind, refused_at=at))
                _withdraw(session, email, kind, at=machine_at)


def forget_refusals(session: Session, email: str) -> None:
    """Forget what an address chose, with the person it belonged to."""
    session.execute(sa.delete(MailRefusal).filter_by(email=email))


def _withdraw(session: Session, email: str, kind: str, *, at: datetime) -> None:
    session.execute(
        sa.update(OutboxMessage)
        .where(
            OutboxMessage.email == email,
            OutboxMessage.status == MessageStatus.PENDING,
            OutboxMessage.leased_until.is_(None),
            OutboxMessage.template.in_(templates_of(kind)),
        )
        .values(
            status=MessageStatus.REFUSED,
            closed_at=at,
            next_try_at=None,
            last_error=UNSUBSCRIBED,
        )
        .execution_options(synchronize_session=False)
    )
