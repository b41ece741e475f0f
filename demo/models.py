"""What the demo keeps of itself."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from octo.database import Id, Instant, Model, status_column

BEAT: Final = timedelta(seconds=60)


class SeasonState(StrEnum):
    """Where the playing of a season stands."""

    LOADING = "loading"
    LOADED = "loaded"


class DemoSeason(Model):
    """The one season this database holds; a row that says ``loading`` was never finished.

    ``target_at`` is where time is being moved to, and ``beat_at`` (machine time) the last sign
    of life of whoever moves it: a target without a beat was interrupted, and is resumed.
    """

    __tablename__ = "demo_season"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one_row"),)

    id: Mapped[Id]
    state: Mapped[SeasonState] = status_column(SeasonState)
    digest: Mapped[str] = mapped_column(sa.String(64))
    began_at: Mapped[Instant]
    target_at: Mapped[Instant | None]
    beat_at: Mapped[Instant | None]

    def is_moving(self, *, machine: datetime) -> bool:
        """Tell whether somebody is moving time right now."""
        return (
            self.target_at is not None
            and self.beat_at is not None
            and machine < self.beat_at + BEAT
        )
