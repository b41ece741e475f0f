"""The trail of what people in charge did: who, when, why. Rows are never changed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from octo.database import Id, Instant, Model


class AuditEvent(Model):
    """One act of a person in charge, on one subject, with the reason given."""

    __tablename__ = "audit_event"
    __table_args__ = (sa.Index("ix_audit_event_subject", "subject", "id"),)

    id: Mapped[Id]
    happened_at: Mapped[Instant]
    actor: Mapped[str] = mapped_column(sa.String(40))
    action: Mapped[str] = mapped_column(sa.String(60))
    subject: Mapped[str] = mapped_column(sa.String(40))
    reason: Mapped[str] = mapped_column(sa.Text(), default="")
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON(), default=dict)


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    subject: str,
    at: datetime,
    reason: str = "",
    **details: object,
) -> AuditEvent:
    """Add an act to the trail, in the transaction of the act itself.

    ``actor`` and ``subject`` are public ids; ``"system"`` acts when a job does.
    """
    event = AuditEvent(
        happened_at=at, actor=actor, action=action, subject=subject, reason=reason, details=details
    )
    session.add(event)
    return event
