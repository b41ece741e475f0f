"""The months of the books: each is open until it is closed, and then for good."""

from datetime import date
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from octo.database import Id, Instant, Model


class PeriodStatus(StrEnum):
    """Whether figures of a month may still change."""

    OPEN = "open"
    CLOSED = "closed"


class Period(Model):
    """A month of the books; one without a row is open, as is one that nobody has closed.

    ``first_on`` is its first day, in the platform's time zone. ``closed_at`` is machine time, as
    the ``posted_at`` of the ledger transactions that are held against it; ``closed_by`` is a
    public id. The database refuses to open a month again, or to close it anew.
    """

    __tablename__ = "period"
    __table_args__ = (
        sa.CheckConstraint("substr(CAST(first_on AS varchar), 9) = '01'", name="begins_a_month"),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed_by_somebody"),
    )

    id: Mapped[Id]
    first_on: Mapped[date] = mapped_column(sa.Date(), unique=True)
    closed_at: Mapped[Instant | None]
    closed_by: Mapped[str | None] = mapped_column(sa.String(40))

    @property
    def status(self) -> PeriodStatus:
        """Say whether it is closed."""
        return PeriodStatus.OPEN if self.closed_at is None else PeriodStatus.CLOSED
