"""What comparing with Stripe leaves: how the books stand, and each difference until it ends."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models import Campaign
from octo.database import Id, Instant, Model, big_id, status_column


class BooksState(StrEnum):
    """Whether this database may be relied upon to move money."""

    UNCHECKED = "unchecked"  # a worker began, and has not compared yet
    CURRENT = "current"
    BEHIND_STRIPE = "behind_stripe"  # a backup was restored: it has forgotten what Stripe knows


class Reconciliation(Model):
    """How far this database was compared with Stripe; one row.

    ``compared_at`` is when the last finished comparison began and ``epoch`` names the run of
    the database server it was made on; both tell how far it still holds. Times are machine
    time, except ``seen_until``, which is Stripe's ``created``.
    """

    __tablename__ = "reconciliation"
    __table_args__ = (
        sa.CheckConstraint("id = 1", name="only_one_row"),
        sa.CheckConstraint(
            "state <> 'current' OR compared_at IS NOT NULL", name="current_was_compared"
        ),
    )

    id: Mapped[Id]
    state: Mapped[BooksState] = status_column(BooksState, default=BooksState.UNCHECKED)
    compared_at: Mapped[Instant | None]
    epoch: Mapped[str] = mapped_column(sa.String(80), default="")
    whole_at: Mapped[Instant | None]
    is_whole_wanted: Mapped[bool] = mapped_column(default=False)
    seen_until: Mapped[Instant | None]
    holder: Mapped[str | None] = mapped_column(sa.String(80))
    lease_until: Mapped[Instant | None]


class StripePlatform(Model):
    """The Stripe account whose money this database counts; one row, written when they first meet.

    ``noted`` is the last number of each document series that we noted there: a backup put back is
    recognised by it.
    """

    __tablename__ = "stripe_platform"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one_row"),)

    id: Mapped[Id]
    stripe_account_id: Mapped[str] = mapped_column(sa.String(255))
    is_live: Mapped[bool]
    met_at: Mapped[Instant]
    noted: Mapped[dict[str, int]] = mapped_column(sa.JSON(), default=dict)


class Discrepancy(Model):
    """One difference between Stripe and these books, until it is gone or a person explains it.

    ``details`` are both sides of it. An explanation holds for these very details: another
    amount is another question.
    """

    __tablename__ = "discrepancy"
    __table_args__ = (
        sa.UniqueConstraint("kind", "subject", name="uq_discrepancy_once"),
        sa.CheckConstraint(
            "(explained_at IS NULL) = (explained_by IS NULL)", name="explained_by_someone"
        ),
        sa.CheckConstraint(
            "(explained_at IS NULL) = (explanation IS NULL)", name="explained_in_words"
        ),
        sa.Index("ix_discrepancy_campaign_id_resolved_at", "campaign_id", "resolved_at"),
    )

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(sa.String(40))
    subject: Mapped[str] = mapped_column(sa.String(255))
    campaign_id: Mapped[int | None] = big_id("campaign.id")
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON())
    occurred_at: Mapped[Instant | None]
    found_at: Mapped[Instant]
    resolved_at: Mapped[Instant | None]
    explained_at: Mapped[Instant | None]
    explained_by: Mapped[str | None] = mapped_column(sa.String(40))
    explanation: Mapped[str | None] = mapped_column(sa.Text())

    campaign: Mapped[Campaign | None] = relationship()

    @property
    def is_open(self) -> bool:
        """Tell whether it is still there and nobody has said why."""
        return self.resolved_at is None and self.explained_at is None

    @classmethod
    def opened(cls) -> sa.ColumnElement[bool]:
        """Return the condition of those that hold their campaign's money."""
        return sa.and_(cls.resolved_at.is_(None), cls.explained_at.is_(None))

    def explain(self, reason: str, *, by: str, at: datetime) -> None:
        """Let a person, by public id, answer for it."""
        self.explained_at, self.explained_by, self.explanation = at, by, reason
