"""Say what happened, in the transaction that causes it: one row, never changed.

Whoever does something about it (a mail to many, a statistic, a call to another program) reads
the rows afterwards, each at a pace of its own: ``octo.events.consumers``.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from octo.database import Id, Instant, Model
from octo.ids import PUBLIC_ID_LENGTH

PRIVATE: Final = frozenset({"address", "email", "name", "token", "url"})
"""No event says these: its row outlasts the link it might hold and the person it might name."""

Fact = str | int | bool | None


class EventName(StrEnum):
    """The names of what happens, ``noun.participle``; each package declares its own, once."""


class UnknownEventError(LookupError):
    """No package declares an event of this name."""


class Event(Model):
    """Something that happened, of which others may want to know; ``happened_at`` is business time.

    ``subject``, ``campaign`` and ``organisation`` are public ids, kept plainly: who reads this
    years later needs no row of theirs.
    """

    __tablename__ = "event"
    __table_args__ = (
        sa.CheckConstraint("name <> ''", name="name_not_empty"),
        sa.CheckConstraint("subject <> ''", name="subject_not_empty"),
        sa.Index("ix_event_subject", "subject", "id"),
        sa.Index("ix_event_campaign", "campaign", "id"),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sa.String(60))
    subject: Mapped[str] = mapped_column(sa.String(PUBLIC_ID_LENGTH))
    campaign: Mapped[str | None] = mapped_column(sa.String(PUBLIC_ID_LENGTH))
    organisation: Mapped[str | None] = mapped_column(sa.String(PUBLIC_ID_LENGTH))
    happened_at: Mapped[Instant]
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON(), default=dict)


def record_event(
    session: Session,
    name: EventName,
    subject: str,
    at: datetime,
    *,
    campaign: str | None = None,
    organisation: str | None = None,
    **facts: Fact,
) -> Event:
    """Write down that something happened to ``subject``, in the caller's transaction.

    ``facts`` are plain values as they are now (amounts in minor units, instants in ISO format).
    Two events of one subject keep their order, since whoever causes them holds its row's lock.
    Raises ``UnknownEventError`` for a name that no package declares.
    """
    if not isinstance(name, EventName):
        raise UnknownEventError(f"no package declares the event {name!r}")
    assert not PRIVATE & facts.keys(), f"an event never says {sorted(PRIVATE & facts.keys())}"
    event = Event(
        name=name.value,
        subject=subject,
        campaign=campaign,
        organisation=organisation,
        happened_at=at,
        details=facts,
    )
    session.add(event)
    return event
