"""The outbox: a mail is a row written in the transaction that causes it, sent later."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from octo.database import Id, Instant, Model, PublicId, big_id, status_column
from octo.ids import new_public_id


class MessageStatus(StrEnum):
    """Where a mail stands."""

    PENDING = "pending"
    SENT = "sent"
    REFUSED = "refused"


MESSAGE_TRANSITIONS: Final = {
    MessageStatus.PENDING: {MessageStatus.SENT, MessageStatus.REFUSED},
    MessageStatus.SENT: set[MessageStatus](),
    MessageStatus.REFUSED: set[MessageStatus](),
}


class OutboxMessage(Model):
    """A mail to one person, told by its template and what the template needs.

    ``created_at`` is business time, as the mail's story is; every instant of its sending is
    machine time. Once sent, ``context`` is emptied (a link in it may open a receipt), except in
    the demo, whose mailbox shows it. One written to an audience names its mailing, in which an
    address comes once.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        sa.CheckConstraint(
            "(status = 'pending') = (closed_at IS NULL)", name="closed_unless_pending"
        ),
        sa.CheckConstraint(
            "(lease_token IS NULL) = (leased_until IS NULL)", name="lease_has_an_end"
        ),
        sa.CheckConstraint("tries_count >= 0", name="tries_not_negative"),
        sa.Index("ix_outbox_message_status_next_try_at", "status", "next_try_at"),
        sa.Index("ix_outbox_message_email", "email"),
        sa.Index("uq_outbox_message_mailing", "mailing_id", "email", unique=True),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    email: Mapped[str] = mapped_column(sa.String(254))
    locale: Mapped[str] = mapped_column(sa.String(5))
    template: Mapped[str] = mapped_column(sa.String(60))
    context: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    subject: Mapped[str] = mapped_column(sa.String(255), default="")
    status: Mapped[MessageStatus] = status_column(MessageStatus, default=MessageStatus.PENDING)
    tries_count: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(sa.String(255), default="")
    created_at: Mapped[Instant]
    next_try_at: Mapped[Instant | None]
    leased_until: Mapped[Instant | None]
    lease_token: Mapped[str | None] = mapped_column(sa.String(40))
    closed_at: Mapped[Instant | None]
    mailing_id: Mapped[int | None] = big_id("mailing.id")

    def close(self, status: MessageStatus, *, at: datetime) -> None:
        """End the sending of this mail, well or not."""
        assert status in MESSAGE_TRANSITIONS[self.status], f"{self.status} mail cannot be {status}"
        self.status = status
        self.closed_at = at
        self.next_try_at = None


def enqueue(
    session: Session,
    *,
    to: str,
    locale: str,
    template: str,
    context: Mapping[str, object],
    at: datetime,
    mailing_id: int | None = None,
) -> OutboxMessage:
    """Write a mail in the caller's transaction; the worker sends it once that is committed.

    ``context`` holds plain JSON values only: amounts in minor units, instants in ISO format,
    ids and tokens. The template turns them into sentences and links, in ``locale``. A mail that
    its reader may do without is written by a mailing alone: that leaves out who does not want it.
    """
    message = OutboxMessage(
        public_id=new_public_id("msg"),
        email=to,
        locale=locale,
        template=template,
        context=dict(context),
        created_at=at,
        mailing_id=mailing_id,
    )
    session.add(message)
    return message
