"""The attempt: one intended Stripe call, kept before it is made."""

from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from octo.database import Id, Instant, Model, PublicId, big_id, status_column


class AttemptKind(StrEnum):
    """What a call does at Stripe."""

    CHECKOUT_CREATE = "checkout_create"
    CHECKOUT_EXPIRE = "checkout_expire"
    INTENT_CREATE = "intent_create"
    INTENT_CONFIRM = "intent_confirm"
    INTENT_CANCEL = "intent_cancel"
    CARD_DETACH = "card_detach"
    REFUND_CREATE = "refund_create"
    TRANSFER_CREATE = "transfer_create"
    REVERSAL_CREATE = "reversal_create"
    ACCOUNT_CREATE = "account_create"


class AttemptStatus(StrEnum):
    """Where a call stands; unknown is a state, and the one that matters most."""

    NEW = "new"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


OPEN_ATTEMPTS: Final = (AttemptStatus.NEW, AttemptStatus.SENT, AttemptStatus.UNKNOWN)


class Attempt(Model):
    """One intended Stripe call, committed with its idempotency key before it is sent.

    ``parameters`` are exactly what is sent, so that a repeat under the same key is the same
    request. ``lease_until`` and ``fence`` say who may send it now; times of the lease are
    machine time, ``sent_at`` too.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        sa.UniqueConstraint(
            "kind", "subject", "action_number", "try_number", name="uq_attempt_action"
        ),
        sa.CheckConstraint("action_number > 0 AND try_number > 0", name="numbered_from_one"),
        sa.CheckConstraint(
            "status = 'failed' OR (status = 'new') = (sent_at IS NULL)", name="sent_has_an_instant"
        ),
        sa.CheckConstraint(
            "status NOT IN ('done', 'failed') OR closed_at IS NOT NULL",
            name="closed_has_an_instant",
        ),
        sa.CheckConstraint("fence >= 0", name="fence_not_negative"),
        sa.Index("ix_attempt_status_not_before", "status", "not_before", "id"),
        sa.Index("ix_attempt_campaign_id_status", "campaign_id", "status"),
        sa.Index("ix_attempt_subject", "subject"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    kind: Mapped[AttemptKind] = status_column(AttemptKind)
    subject: Mapped[str] = mapped_column(sa.String(40))
    campaign_id: Mapped[int | None] = big_id("campaign.id")
    action_number: Mapped[int]
    try_number: Mapped[int] = mapped_column(default=1)
    idempotency_key: Mapped[str] = mapped_column(sa.String(255), unique=True)
    parameters: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    status: Mapped[AttemptStatus] = status_column(AttemptStatus, default=AttemptStatus.NEW)
    sends_count: Mapped[int] = mapped_column(default=0)
    stripe_object_id: Mapped[str | None] = mapped_column(sa.String(255))
    error_code: Mapped[str | None] = mapped_column(sa.String(80))
    error_message: Mapped[str | None] = mapped_column(sa.Text())
    holder: Mapped[str | None] = mapped_column(sa.String(80))
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[Instant | None]
    not_before: Mapped[Instant]
    created_at: Mapped[Instant]
    first_sent_at: Mapped[Instant | None]
    sent_at: Mapped[Instant | None]
    closed_at: Mapped[Instant | None]


class RateBucket(Model):
    """How many calls of one kind the whole cluster may still make; refilled by machine time."""

    __tablename__ = "rate_bucket"
    __table_args__ = (sa.CheckConstraint("granted_until IS NOT NULL", name="granted_until_known"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sa.String(80), unique=True)
    granted_until: Mapped[Instant]
