"""Who is alive, and since when: each worker, and the services we depend on; in machine time."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from octo.database import Id, Instant, Model

WORKER: Final = "worker:"
FAILING_JOB: Final = "failing:"
LAPSES_AFTER: Final = timedelta(minutes=2)
FORGOTTEN_AFTER: Final = timedelta(days=1)


class Heartbeat(Model):
    """Something that lived when last seen.

    ``alive_since`` is when it began to answer without a break, and nothing once it was found
    silent. All instants are machine time.
    """

    __tablename__ = "heartbeat"
    __table_args__ = ()

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sa.String(80), unique=True)
    beat_at: Mapped[Instant]
    alive_since: Mapped[Instant | None]

    def is_alive(self, machine: datetime) -> bool:
        """Tell whether it was seen lately."""
        return self.alive_since is not None and machine - self.beat_at <= LAPSES_AFTER


def beat(session: Session, name: str, *, at: datetime) -> None:
    """Note that ``name`` is alive at ``at`` (machine time); after a lapse it begins anew."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    has_lapsed = Heartbeat.beat_at < at - LAPSES_AFTER
    since = sa.case((has_lapsed, at), else_=sa.func.coalesce(Heartbeat.alive_since, at))
    session.execute(
        insert(Heartbeat)
        .values(name=name, beat_at=at, alive_since=at)
        .on_conflict_do_update(
            index_elements=[Heartbeat.name],
            set_={"beat_at": at, "alive_since": sa.type_coerce(since, Heartbeat.beat_at.type)},
        )
    )


def note_failure(session: Session, job: str, *, at: datetime) -> None:
    """Note that a job failed at ``at`` (machine time); it has since the first time."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert if is_sqlite else postgresql.insert
    session.execute(
        insert(Heartbeat)
        .values(name=f"{FAILING_JOB}{job}", beat_at=at, alive_since=at)
        .on_conflict_do_update(index_elements=[Heartbeat.name], set_={"beat_at": at})
    )


def list_failing_jobs(session: Session, *, since: datetime) -> list[str]:
    """List the jobs that have not come through once since before ``since``."""
    found = session.scalars(
        sa.select(Heartbeat.name).where(
            Heartbeat.name.startswith(FAILING_JOB, autoescape=True), Heartbeat.alive_since < since
        )
    )
    return sorted(name.removeprefix(FAILING_JOB) for name in found)


def note_silence(session: Session, name: str) -> None:
    """Note that ``name`` did not answer; when it last did stays known."""
    session.execute(sa.update(Heartbeat).where(Heartbeat.name == name).values(alive_since=None))


def forget(session: Session, name: str) -> None:
    """Take one that ended by itself off the list."""
    session.execute(sa.delete(Heartbeat).where(Heartbeat.name == name))


def forget_dead_workers(session: Session, *, at: datetime) -> None:
    """Take the workers off the list that were last seen long before ``at``."""
    session.execute(
        sa.delete(Heartbeat).where(
            Heartbeat.name.startswith(WORKER, autoescape=True),
            Heartbeat.beat_at < at - FORGOTTEN_AFTER,
        )
    )


def find_heartbeat(session: Session, name: str) -> Heartbeat | None:
    """Find when ``name`` was last seen."""
    return session.scalars(
        sa.select(Heartbeat).where(Heartbeat.name == name).execution_options(populate_existing=True)
    ).one_or_none()


def list_workers(session: Session) -> list[Heartbeat]:
    """List the workers that were seen in the last day, the latest first."""
    return list(
        session.scalars(
            sa.select(Heartbeat)
            .where(Heartbeat.name.startswith(WORKER, autoescape=True))
            .order_by(Heartbeat.beat_at.desc())
            .execution_options(populate_existing=True)
        )
    )
