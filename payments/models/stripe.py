"""What Stripe tells us and what we keep of it: events, connected accounts, disputes, cursors."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from octo.accounts.models import Organisation
from octo.database import Id, Instant, Model, PublicId, big_id, status_column


class InboxStatus(StrEnum):
    """Where a received webhook stands; parked waits for an object we do not know yet."""

    RECEIVED = "received"
    HANDLED = "handled"
    PARKED = "parked"
    IGNORED = "ignored"


class InboxEvent(Model):
    """A webhook received, kept whole, handled once."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        sa.CheckConstraint("tries_count >= 0", name="tries_not_negative"),
        sa.Index("ix_inbox_event_status_not_before", "status", "not_before"),
    )

    id: Mapped[Id]
    stripe_event_id: Mapped[str] = mapped_column(sa.String(255), unique=True)
    type: Mapped[str] = mapped_column(sa.String(80))
    object_id: Mapped[str | None] = mapped_column(sa.String(255))
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    status: Mapped[InboxStatus] = status_column(InboxStatus, default=InboxStatus.RECEIVED)
    tries_count: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(sa.Text())
    received_at: Mapped[Instant]
    not_before: Mapped[Instant]
    handled_at: Mapped[Instant | None]


class OwnerReadiness(StrEnum):
    """Whether Stripe lets a connected account be paid."""

    PENDING = "pending"
    ACTIVE = "active"
    RESTRICTED = "restricted"
    CLOSED = "closed"


class ConnectedAccount(Model):
    """The Stripe account of one organisation, and whether it can be paid."""

    __tablename__ = "connected_account"
    __table_args__ = (
        sa.CheckConstraint(
            "readiness <> 'active' OR stripe_account_id IS NOT NULL", name="active_exists_at_stripe"
        ),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    organisation_id: Mapped[int] = big_id("organisation.id", unique=True)
    stripe_account_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    readiness: Mapped[OwnerReadiness] = status_column(
        OwnerReadiness, default=OwnerReadiness.PENDING
    )
    checked_at: Mapped[datetime | None]
    created_at: Mapped[Instant]

    organisation: Mapped[Organisation] = relationship()


class PollCursor(Model):
    """How far one of Stripe's lists has been read.

    ``seen_until`` is Stripe's ``created``, or the business time of a look that reached far back.
    """

    __tablename__ = "poll_cursor"
    __table_args__ = ()

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)
    seen_until: Mapped[Instant]
