"""The audit trail, with the names of the people who acted."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.accounts.models import User
from octo.audit import AuditEvent
from octo.paging import Window, narrowed


class AuditEntry(NamedTuple):
    """One act of the trail, and the name of the person who acted, if it was one."""

    event: AuditEvent
    actor_name: str


def trail_of(session: Session, subject: str, *, window: Window | None = None) -> list[AuditEntry]:
    """Return what was done about a subject, the oldest act first."""
    statement = (
        sa.select(AuditEvent, sa.func.coalesce(User.name, ""))
        .outerjoin(User, User.public_id == AuditEvent.actor)
        .where(AuditEvent.subject == subject)
        .order_by(AuditEvent.id)
    )
    return [AuditEntry(*row) for row in session.execute(narrowed(statement, window))]
