"""Load the demo, and move its time; both leave a row behind, so that what was cut short is seen."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from demo.journey import Journey
from demo.models import DemoSeason, SeasonState
from demo.player import Player
from demo.sandbox import sandbox_of
from demo.season import read_season
from demo.stagehands import Stagehands
from octo import schema
from octo.accounts.models import User
from octo.clock import Clock
from octo.config import ROOT
from octo.database import db, lock, reading, transaction
from octo.errors import N_, ConflictError, NotFoundError
from payments.settings import StripeSettings

SEASON: Final = ROOT / "examples" / "season.yaml"
CAMPAIGNS: Final = ROOT / "examples" / "campaigns"


class NotEmptyError(ConflictError):
    """The database holds something that is no demo; it is left alone."""

    code = "not_empty"


class TimeIsMovingError(ConflictError):
    """Somebody else moves time right now."""

    code = "time_is_moving"


@dataclass(frozen=True)
class Progress:
    """How far a loading or a journey has come: ``done`` of ``total``, and the demo's time."""

    done: float
    total: float
    at: datetime


def find_season() -> DemoSeason | None:
    """Return the season this database holds, if any."""
    with reading() as session:
        return session.get(DemoSeason, 1, populate_existing=True)


def load(
    hands: Stagehands, *, path: Path = SEASON, campaigns: Path = CAMPAIGNS
) -> Generator[Progress, None, None]:
    """Play the season into an empty database, unless it holds one; a half-loaded one begins anew.

    A journey that was cut short is brought to its end. Raises ``NotEmptyError`` when the
    database holds people or campaigns that no season brought.
    """
    known = find_season()
    if known is not None and known.state is SeasonState.LOADED:
        yield from resume(hands)
        return
    if known is not None:
        schema.downgrade("base")
        schema.upgrade("head")
    season = read_season(path, campaigns=campaigns)
    _demand_empty()
    with _unhurried_disk(), sandbox_of(hands.settings.of(StripeSettings)) as sandbox:
        sandbox.reset()
        _note_loading(season.digest, hands.clock)
        journey = Journey(hands.app, sandbox, hands.clock)
        player = Player(season, hands=hands, sandbox=sandbox, journey=journey)
        player.begin()
        done, total = 0, player.acts_count
        for at in player.play():
            done = max(done, total - player.acts_count)
            yield Progress(done, total, at)
        for at in player.end():
            yield Progress(total, total, at)
    with transaction() as session:
        lock(session, DemoSeason, id=1).state = SeasonState.LOADED


def advance(hands: Stagehands, *, by: timedelta) -> Generator[Progress, None, None]:
    """Move time on by ``by``, through every due event in order.

    A journey that was cut short goes on to where it was bound, and no further: asking again
    after a crash does not move time twice.
    """
    set_out(hands, by=by)
    yield from travel(hands)


def set_out(hands: Stagehands, *, by: timedelta) -> None:
    """Note where time is to be moved; ``travel`` moves it. One at a time does."""
    with transaction() as session:
        season = _lock_loaded(session)
        machine = hands.clock.machine_now()
        if season.is_moving(machine=machine):
            raise TimeIsMovingError(N_("Time is already moving; wait until it has arrived."))
        if season.target_at is None:
            season.target_at = hands.clock.now() + by
        season.beat_at = machine


def resume(hands: Stagehands) -> Generator[Progress, None, None]:
    """Bring a journey that was cut short to its end; without one, do nothing."""
    season = find_season()
    if season is None or season.target_at is None:
        return
    yield from advance(hands, by=timedelta(seconds=1))


def travel(hands: Stagehands) -> Generator[Progress, None, None]:
    """Go to where time is bound, working at each due instant on the way."""
    season = find_season()
    assert season is not None
    assert season.target_at is not None
    target, began = season.target_at, hands.clock.now()
    total = max((target - began).total_seconds(), 1.0)
    try:
        with sandbox_of(hands.settings.of(StripeSettings)) as sandbox:
            journey = Journey(hands.app, sandbox, hands.clock)
            for due in journey.go_through(target):
                _beat(hands.clock.machine_now())
                yield Progress((due - began).total_seconds(), total, due)
            journey.move_to(target)
            journey.work()
        _arrive()
    finally:
        _beat(None)
    yield Progress(total, total, target)


def _lock_loaded(session: Session) -> DemoSeason:
    if session.get(DemoSeason, 1) is None:
        raise NotFoundError(N_("The demo is not loaded: run flask demo load."))
    season = lock(session, DemoSeason, id=1)
    if season.state is not SeasonState.LOADED:
        raise ConflictError(N_("The demo is not fully loaded: run flask demo load."))
    return season


def _beat(machine: datetime | None) -> None:
    """Give a sign of life; none, when whoever moves time stops."""
    with transaction() as session:
        lock(session, DemoSeason, id=1).beat_at = machine


def _arrive() -> None:
    with transaction() as session:
        lock(session, DemoSeason, id=1).target_at = None


@contextmanager
def _unhurried_disk() -> Iterator[None]:
    """Let SQLite not wait for the disk at each commit: what a crash loses is loaded anew."""
    if db.engine.dialect.name != "sqlite":
        yield
        return

    def hurry_not(connection: DBAPIConnection, _record: object, _proxy: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    sa.event.listen(db.engine, "checkout", hurry_not)
    try:
        yield
    finally:
        sa.event.remove(db.engine, "checkout", hurry_not)
        db.session.remove()
        db.engine.dispose()


def _demand_empty() -> None:
    with reading() as session:
        for model in (User, Campaign):
            if session.scalar(sa.select(sa.func.count()).select_from(model)):
                raise NotEmptyError(
                    N_("This database is in use: load the demo into an empty one (DATABASE_URL).")
                )


def _note_loading(digest: str, clock: Clock) -> None:
    with transaction() as session:
        session.add(
            DemoSeason(id=1, state=SeasonState.LOADING, digest=digest, began_at=clock.machine_now())
        )
