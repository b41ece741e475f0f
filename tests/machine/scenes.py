"""Scenes: a world at one moment, put back again and again so that a process may die in it anew."""

import hashlib
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Final

import pytest

from stripe_sandbox.app import create_sandbox
from stripe_sandbox.client import SandboxClient
from stripe_sandbox.server import create_http_server
from tests.kept import KeptFile
from tests.machine.ending import MINUTE, News, find_leftovers, settle_down
from tests.machine.nursery import Death, Nursery, nursery_of
from tests.machine.stores import Store, digest_of
from tests.machine.story import Story
from tests.machine.world import world_of
from tests.site import site_environ

KEY: Final = "sk_test_scene"
_PATIENCE_SECONDS: Final = 60
_CHANCE: Final = 11


class KeptSandbox:
    """A sandbox of a test's own, whose one account is put back as it was; its time stands still."""

    def __init__(self, folder: Path) -> None:
        account = f"acct_{hashlib.sha256(KEY.encode()).hexdigest()[:16]}"
        self._file = KeptFile(folder / f"{account}.sqlite", folder / "kept")
        self._sandbox = create_sandbox(folder)
        self._server = create_http_server(self._sandbox, "127.0.0.1", 0)
        self._chance = random.Random(_CHANCE)
        self._drawn = self._chance.getstate()
        self.url = f"http://127.0.0.1:{self._server.effective_port}"

    @contextmanager
    def running(self) -> Iterator[SandboxClient]:
        """Serve, beside the caller; no webhook is sent by itself."""
        thread = Thread(target=self._server.run, daemon=True)
        epoch = int(time.time())
        real = SimpleNamespace(time=lambda: epoch, monotonic=time.monotonic)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("stripe_sandbox.platforms.time", real)
            drawn = SimpleNamespace(randbits=self._chance.getrandbits)
            patch.setattr("stripe_sandbox.objects.secrets", drawn)
            thread.start()
            client = SandboxClient(self.url, KEY)
            try:
                yield client
            finally:
                client.close()
                self._server.task_dispatcher.shutdown(timeout=1)
                self._server.trigger.pull_trigger(self._server.close)
                thread.join(_PATIENCE_SECONDS)
                self._sandbox.close()

    def keep(self) -> None:
        """Remember everything as it is now."""
        self._sandbox.platforms.close()
        self._file.keep()
        self._drawn = self._chance.getstate()

    def put_back(self) -> None:
        """Make everything again what it was."""
        self._sandbox.platforms.close()
        self._file.put_back()
        self._chance.setstate(self._drawn)

    def digest(self) -> str:
        """Return what tells what is kept here from anything else."""
        with closing(sqlite3.connect(self._file.path)) as connection:
            return digest_of(connection)

    def callers(self) -> set[int]:
        """Return the connections that are open."""
        return set(self._server.active_channels)

    def come_to_rest(self, callers: set[int]) -> None:
        """Wait until whatever was sent by those who came since has been dealt with.

        Connections are taken in in turn: when a new one is answered, all before it have been.
        """
        with SandboxClient(self.url, KEY) as last:
            last.now()
        end = time.monotonic() + _PATIENCE_SECONDS
        while self.callers() - callers:
            assert time.monotonic() < end, "a call of one who died does not end"
            time.sleep(0.001)


@dataclass
class Scene:
    """One moment of a story, and the processes that die in it."""

    story: Story
    store: Store
    sandbox: KeptSandbox
    nursery: Nursery

    def keep(self) -> None:
        """Make this the moment that is put back."""
        self.story.world.close()
        self.store.keep()
        self.sandbox.keep()

    def put_back(self) -> None:
        """Go back to the moment."""
        self.story.world.close()
        self.store.put_back()
        self.sandbox.put_back()

    def warm_up(self) -> None:
        """Play it once unharmed: what comes next is quicker in a process that did it before."""
        self.nursery.begin()
        while sum(self.nursery.live(job) for job in self.nursery.jobs):
            pass
        self.put_back()
        self.nursery.begin()

    def digest(self) -> str:
        """Return what tells all that is kept, here and at Stripe, from anything else."""
        return f"{self.store.digest()} {self.sandbox.digest()}"

    def die(self, job: str, call: int) -> Death:
        """Have a worker do a job and die before one of its calls; let Stripe end what it began."""
        callers = self.sandbox.callers()
        death = self.nursery.die(job, call)
        self.sandbox.come_to_rest(callers)
        return death

    def die_anywhere(self, call: int | None) -> Death:
        """Have a worker do all that is due and die before one of its calls, others on their way."""
        callers = self.sandbox.callers()
        death = self.nursery.settle(call)
        self.sandbox.come_to_rest(callers)
        return death

    def finish(self) -> list[str]:
        """Have others take over a minute later, when leases have ended; return what is wrong."""
        world = self.story.world
        world.rejoin(later=MINUTE)
        settle_down(self.story, News.BOTH)
        return find_leftovers(self.story)


@contextmanager
def scene_of(store: Store, folder: Path, tell: Callable[[Story], None]) -> Iterator[Scene]:
    """Tell a story up to its moment, keep it, and have a nursery ready for those who die."""
    sandbox = KeptSandbox(folder / "sandbox")
    with sandbox.running() as client, world_of(store, client, folder / "instance") as world:
        story = Story(world)
        tell(story)
        environ = {
            **site_environ(store.url, folder / "instance"),
            "STRIPE_API_BASE": sandbox.url,
            "STRIPE_SECRET_KEY": KEY,
        }
        with nursery_of(environ, epoch=client.now()) as nursery:
            scene = Scene(story, store, sandbox, nursery)
            scene.keep()
            yield scene


class Sweep:
    """Deaths before one call after another of a scene that is played to its end, job by job.

    Whatever differs from what was left by deaths before is finished by others, and looked at; who
    leaves the same as another leaves the same to be done. Between two jobs the scene moves on.
    """

    def __init__(self, scene: Scene, *, every: int = 1, first: int = 0) -> None:
        self.found: list[str] = []
        self.calls = 0
        self.kills = 0
        self._scene = scene
        self._every = every
        self._first = first
        self._seen: set[str] = set()

    def __str__(self) -> str:
        which = "each" if self._every == 1 else f"every {self._every}th from {self._first} on"
        return (
            f"{self.calls} calls, killed before {which}: {self.kills} deaths"
            f" left {len(self._seen)} states, {len(self.found)} ended wrong"
        )

    def run(self) -> None:
        """Play the scene until a round of jobs does nothing."""
        self._scene.warm_up()
        while sum(self._play(job) for job in self._scene.nursery.jobs):
            pass

    def _play(self, job: str) -> int:
        """Have some die in a job, then have it done; return how much it did."""
        scene = self._scene
        calls = range(self.calls + 1, self.calls + 1 + scene.nursery.count(job))
        scene.put_back()
        for call in calls:
            if call % self._every == self._first % self._every:
                self._die(job, call, call - self.calls)
        self.calls += len(calls)
        done = scene.nursery.live(job)
        scene.keep()
        return done

    def _die(self, job: str, call: int, nth: int) -> None:
        scene = self._scene
        death = scene.die(job, nth)
        assert death.is_dead, f"a worker did not live to call {nth} of {job}"
        self.kills += 1
        left = scene.digest()
        if left not in self._seen:
            self._seen.add(left)
            if wrong := scene.finish():
                self.found.append(f"killed at {call}, {job} before {death.before}: {wrong}")
                sys.stdout.write(f"{self.found[-1]}\n")
        scene.put_back()
