"""The extension an outage calls for: who moved a deadline, from when to when, and why."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from octo.database import Id, Instant, Model, big_id


class OutageExtension(Model):
    """A deadline moved because nobody could pledge; beside the one extension an owner may ask."""

    __tablename__ = "outage_extension"
    __table_args__ = (
        sa.CheckConstraint("deadline_at > previous_deadline_at", name="gives_time"),
        sa.CheckConstraint("reason <> ''", name="says_why"),
        sa.Index("ix_outage_extension_campaign_id", "campaign_id", "id"),
    )

    id: Mapped[Id]
    campaign_id: Mapped[int] = big_id("campaign.id")
    previous_deadline_at: Mapped[Instant]
    deadline_at: Mapped[Instant]
    reason: Mapped[str] = mapped_column(sa.Text())
    extended_by: Mapped[str] = mapped_column(sa.String(40))
    extended_at: Mapped[Instant]
