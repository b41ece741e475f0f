"""A world of two workers on one database and one Stripe account, where nothing moves by itself."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask

from octo.config import Settings
from octo.database import db
from octo.errors import OctoError
from octo.scheduler import JobReport, jobs
from octo.worker import stop_requested
from payments.gateway import engine
from payments.gateway.client import StripeAwayError
from payments.jobs import register_jobs
from stripe_sandbox.client import SandboxClient
from tests.locking import watched_locks
from tests.machine.errands import Errand, Halt
from tests.machine.hands import HandClock, HandEngine
from tests.machine.post import Post
from tests.machine.stores import Store
from tests.machine.wire import InlinePool, Lookout, Weather, Wire
from tests.make import Make
from tests.moment import Moment
from tests.site import build_app, close, quickened, site_environ

NAMES: Final = ("A", "B")
NOT_MONEY: Final = ("mail_delivery", "mailings", "events_mails", "watch")


@dataclass
class Node:
    """One process, a site and a worker; it shares the database with others, and nothing else."""

    name: str
    app: Flask

    def begin_again(self) -> None:
        """Lose what a worker has in memory, which is its jobs' alone, and every connection."""
        self.hang_up()
        jobs(self.app).clear()
        register_jobs(
            self.app, self.app.extensions["payments.gateway.runtime"], should_stop=stop_requested
        )

    def hang_up(self) -> None:
        """Give back every connection, to the database and to Stripe."""
        engine_of(self.app).dispose()
        gateway = self.app.extensions["payments.gateway.runtime"].gateway
        gateway._client._requestor._get_http_client().close()

    def run(self, job: str) -> JobReport:
        """Tick a job, inside the app's context."""
        return jobs(self.app)[job].run()

    @property
    def jobs(self) -> list[str]:
        """Return the names of the jobs that have to do with money, in their order."""
        return [name for name in jobs(self.app) if name not in NOT_MONEY]


@dataclass
class Frozen:
    """An errand that stands still somewhere, and whose it is."""

    node: Node
    name: str
    errand: Errand


class HandMoment(Moment):
    """The business time of a world, for what ``Make`` builds."""

    def __init__(self, app: Flask, sandbox: SandboxClient, clock: HandClock) -> None:
        super().__init__(app, sandbox)
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()


class World:
    """Everything a story acts on; ``begin`` makes it new."""

    def __init__(
        self,
        nodes: tuple[Node, Node],
        *,
        clock: HandClock,
        lookout: Lookout,
        weather: Weather,
        sandbox: SandboxClient,
        store: Store,
    ) -> None:
        self.nodes = nodes
        self.clock = clock
        self.lookout = lookout
        self.weather = weather
        self.sandbox = sandbox
        self.post = Post(sandbox, lambda: nodes[0].app)
        self.frozen: list[Frozen] = []
        self._store = store
        self._reader = sa.create_engine(
            store.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
        )

    def begin(self) -> None:
        """Forget everything that was, here and at Stripe."""
        for node in self.nodes:
            self.kill(node)
        self.close()
        self._store.put_back()
        self.sandbox.reset()
        self._join()
        self.weather.strikes.clear()

    def rejoin(self, *, later: int) -> None:
        """Go on with what others left, so many seconds later."""
        for node in self.nodes:
            node.begin_again()
        self.sandbox.advance(later)
        self._join()

    def _join(self) -> None:
        self.clock.begin(self.sandbox.now())
        self.lookout.begin(self._reader.connect())
        self.post.begin()

    def close(self) -> None:
        """Give back every connection."""
        self.lookout.end()
        for node in self.nodes:
            engine_of(node.app).dispose()

    @property
    def books(self) -> sa.Connection:
        """Return a connection that sees what is committed, and nothing else."""
        assert self.lookout.books is not None
        return self.lookout.books

    @property
    def settings(self) -> Settings:
        settings: Settings = self.nodes[0].app.extensions["octo.runtime"].settings
        return settings

    def make(self) -> Make:
        """Give a builder on the first node; to be used inside its context."""
        app = self.nodes[0].app
        return Make(app, HandMoment(app, self.sandbox, self.clock))

    def do(
        self, node: Node, name: str, work: Callable[[], object], halt: Halt | None = None
    ) -> None:
        """Have a node do something; a refusal is an answer too, and is no error.

        With a halt it may freeze on the way: then it is among ``frozen``.
        """

        def answered() -> None:
            try:
                work()
            except (OctoError, StripeAwayError):
                db.session.rollback()

        if halt is None:
            with node.app.app_context():
                answered()
            return
        errand = Errand(f"{name} of {node.name}", node.app, answered, halt)
        if errand.start():
            self.frozen.append(Frozen(node, name, errand))

    def job(self, node: Node, name: str, halt: Halt | None = None) -> int:
        """Have a worker tick one of its jobs; return how much it did, as far as it came.

        No job runs twice at once in one process.
        """
        if any((one.node, one.name) == (node, name) for one in self.frozen):
            return 0
        reports: list[JobReport] = []
        self.do(node, name, lambda: reports.append(node.run(name)), halt)
        return sum(report.done for report in reports)

    def thaw(self, which: int) -> None:
        """Let one of what is frozen go on, to its end."""
        self.frozen.pop(which % len(self.frozen)).errand.thaw()

    def kill(self, node: Node) -> None:
        """End a process with all that is frozen in it, and begin another in its place."""
        for one in self.frozen:
            if one.node is node:
                one.errand.kill()
        self.frozen = [one for one in self.frozen if one.node is not node]
        node.begin_again()

    def let_pass(self, seconds: int) -> None:
        """Let time pass, for Stripe first."""
        self.sandbox.advance(seconds)
        self.clock.let_pass(seconds)


def engine_of(app: Flask) -> sa.Engine:
    with app.app_context():
        return db.engine


@contextmanager
def building_apps(environ: dict[str, str], clock: HandClock) -> Iterator[Callable[[], Flask]]:
    """Give how an app is built whose time stands still and whose engine runs without threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("octo.app.DatabaseClock", lambda: clock)
        patch.setattr(engine, "ThreadPoolExecutor", InlinePool)
        patch.setattr(engine, "time", clock)
        patch.setattr("payments.jobs.Engine", type("OneEngine", (HandEngine,), {"hand": clock}))

        yield lambda: quickened(build_app(environ))


@contextmanager
def world_of(store: Store, sandbox: SandboxClient, instance: Path) -> Iterator[World]:
    """Build a world on a database and a Stripe account; the engine runs in it without threads.

    Whoever locks rows in another order than all others is told of when it ends.
    """
    clock, lookout, weather = HandClock(), Lookout(), Weather(sandbox)
    wire = type("WatchedWire", (Wire,), {"lookout": lookout, "weather": weather})
    environ = {
        **site_environ(store.url, instance),
        "STRIPE_API_BASE": sandbox.url,
        "STRIPE_SECRET_KEY": sandbox.key,
    }
    with (
        pytest.MonkeyPatch.context() as patch,
        building_apps(environ, clock) as build,
        ExitStack() as watching,
    ):
        patch.setattr("payments.gateway.client.PooledClient", wire)
        nodes = tuple(Node(name, build()) for name in NAMES)
        for node in nodes:
            watching.enter_context(watched_locks(engine_of(node.app)))
        world = World(
            (nodes[0], nodes[1]),
            clock=clock,
            lookout=lookout,
            weather=weather,
            sandbox=sandbox,
            store=store,
        )
        yield world
        world.close()
        for node in nodes:
            node.hang_up()
            close(node.app)
