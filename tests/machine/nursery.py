"""Workers that are born to die: forked from one that lives, and killed at one of their calls.

The one that lives stands still between two of its jobs while others, forked from it there, do the
next in its place and die. Then it does the job itself and stands before the one after.
"""

import multiprocessing
import os
import random
import signal
import time
import traceback
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

import pytest

from payments.gateway import engine
from tests.machine.hands import HandClock
from tests.machine.reaper import Reaper
from tests.machine.world import Node, building_apps, engine_of

_PATIENCE_SECONDS: Final = 120
_CHANCE: Final = 7

_context: Final = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Death:
    """How a process ended: at which of its calls, and before what; or alive, after all of them."""

    call: int
    before: str
    is_dead: bool


class Nursery:
    """The worker that lives, seen from the test."""

    def __init__(self, wire: "Connection[Any, Any]") -> None:
        self._wire = wire
        self.jobs: list[str] = self._ask("names")

    def begin(self) -> None:
        """Have it be as new: it has no memory and no connections."""
        self._ask("begin")

    def live(self, job: str) -> int:
        """Have it do a job; return how much it did."""
        done: int = self._ask("live", job)
        return done

    def count(self, job: str) -> int:
        """Have another do the job in its place, to the end; return how many calls that took."""
        return self._fork(job, None).call

    def die(self, job: str, call: int) -> Death:
        """Have another do the job in its place, and die just before one of its calls."""
        return self._fork(job, call)

    def settle(self, call: int | None) -> Death:
        """Have another do all that is due, as life is: with many calls on their way at once.

        It dies just before one of its calls, if there are so many; they come in no sure order.
        """
        return self._fork(None, call)

    def _fork(self, job: str | None, call: int | None) -> Death:
        death = self._ask("fork", job, call)
        assert isinstance(death, Death)
        return death

    def _ask(self, *wanted: object) -> Any:
        self._wire.send(wanted)
        assert self._wire.poll(_PATIENCE_SECONDS), "the nursery does not answer"
        return self._wire.recv()


@contextmanager
def nursery_of(environ: Mapping[str, str], *, epoch: int) -> Iterator[Nursery]:
    """Run a worker with these settings, at one instant (seconds since 1970) that never passes."""
    ours, theirs = _context.Pipe()
    process = _context.Process(target=_tend, args=(theirs, dict(environ), epoch))
    process.start()
    theirs.close()
    try:
        yield Nursery(ours)
    finally:
        ours.close()
        process.join()


def _tend(wire: "Connection[Any, Any]", environ: dict[str, str], epoch: int) -> None:
    os.environ.update(environ)
    clock = HandClock()
    with building_apps(environ, clock) as build:
        worker = Worker(Node("nursery", build()), clock, epoch)
        while True:
            try:
                wanted, *given = wire.recv()
            except EOFError:
                return
            wire.send(getattr(worker, wanted)(*given))


class Worker:
    """The worker that lives, in its own process."""

    def __init__(self, node: Node, clock: HandClock, epoch: int) -> None:
        self._node = node
        self._clock = clock
        self._epoch = epoch

    def names(self) -> list[str]:
        return self._node.jobs

    def begin(self) -> None:
        self._clock.begin(self._epoch)
        self._node.begin_again()
        _draw_from(random.Random(_CHANCE))

    def live(self, job: str) -> int:
        with self._node.app.app_context():
            done = self._node.run(job).done
        self._node.hang_up()
        return done

    def fork(self, job: str | None, call: int | None) -> Death:
        """Fork a worker that does a job, or all that is due, and wait for its end."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            self._do(job, Reaper(call, writing))
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as answer:
            last = answer.read()
        _, status = os.waitpid(child, 0)
        is_dead = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert is_dead or status == 0, f"a worker ended with {status}: {last}"
        number, _, before = last.strip().partition(" ")
        return Death(int(number), before, is_dead)

    def _do(self, job: str | None, reaper: Reaper) -> None:
        code = 1
        try:
            reaper.watch(engine_of(self._node.app))
            with self._node.app.app_context():
                self._work(job)
            reaper.tell("the end")
            code = 0
        except BaseException:  # noqa: BLE001 - nobody above sees it: this process ends here
            traceback.print_exc()
        finally:
            os._exit(code)

    def _work(self, job: str | None) -> None:
        if job is not None:
            self._node.run(job)
            return
        self._come_alive()
        while sum([self._node.run(name).done for name in self._node.jobs]):
            pass

    def _come_alive(self) -> None:
        """Let time pass by itself, and have threads hold the network."""
        self._clock.walk()
        patch = pytest.MonkeyPatch()
        patch.setattr(engine, "ThreadPoolExecutor", ThreadPoolExecutor)
        patch.setattr(engine, "time", time)
        patch.setattr("payments.jobs.Engine", engine.Engine)
        self._node.begin_again()


def _draw_from(chance: random.Random) -> None:
    """Draw ids, keys and jitter from one source: who does the same draws the same."""
    random.seed(_CHANCE)
    os.urandom = chance.randbytes
    random._urandom = chance.randbytes  # type: ignore[attr-defined]  # whence secrets draws
