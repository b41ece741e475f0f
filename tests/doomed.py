"""Workers and sites that are killed: real processes, forked from one that has imported all."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

import time_machine
import waitress
from flask import Flask

from demo.runner import SITE_THREADS
from octo.clock import real_now
from octo.worker import run_worker
from tests.sandbox import HERE
from tests.site import build_app, quickened

_PATIENCE_SECONDS: Final = 60
ON_TIME: Final = timedelta()

_context: Final = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


class Doomed:
    """A process on a machine of its own, whose clock is wrong by ``skew``; it may freeze and die.

    It runs ``work`` with ``environ``, an event to set once it has begun, and ``told``. Should the
    test end without a word, it ends as well.
    """

    def __init__(
        self,
        work: Callable[..., None],
        environ: Mapping[str, str],
        *told: object,
        skew: timedelta = ON_TIME,
    ) -> None:
        self._has_begun = _context.Event()
        arguments = (work, dict(environ), skew, self._has_begun, told)
        self._process = _context.Process(target=_live, args=arguments, daemon=True)
        self._process.start()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def wait_until_begun(self) -> None:
        assert self._has_begun.wait(_PATIENCE_SECONDS), f"the {type(self).__name__} did not start"

    def freeze(self) -> None:
        """Stop it where it stands, as a machine does that is out of breath."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on, unaware of the time that has passed."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it with ``SIGKILL``, frozen or not."""
        self._process.kill()
        self._process.join()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)


class Worker(Doomed):
    """A process that works as ``flask worker`` does."""

    def __init__(self, environ: Mapping[str, str], *, skew: timedelta = ON_TIME) -> None:
        super().__init__(_work, environ, skew=skew)


class Site(Doomed):
    """A process that answers people at a door, and writes its log into a file."""

    def __init__(
        self, environ: Mapping[str, str], door: "Door", log: Path, *, skew: timedelta = ON_TIME
    ) -> None:
        super().__init__(_serve, environ, door.port, log, skew=skew)


class Door:
    """A port that is kept for one site after the other; where none listens, nobody is let in."""

    def __init__(self) -> None:
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind((HERE, 0))
        self.port: int = self._kept.getsockname()[1]
        self.url = f"http://{HERE}:{self.port}"

    def close(self) -> None:
        self._kept.close()


@contextmanager
def doomed_worker(environ: Mapping[str, str], *, skew: timedelta = ON_TIME) -> Iterator[Worker]:
    """Run a worker with these settings while the body lasts, then end it with ``SIGKILL``."""
    worker = Worker(environ, skew=skew)
    try:
        worker.wait_until_begun()
        yield worker
        assert worker.is_alive, "the worker ended by itself"
    finally:
        worker.kill()


def _live(
    work: Callable[..., None],
    environ: dict[str, str],
    skew: timedelta,
    has_begun: Event,
    told: tuple[Any, ...],
) -> None:
    threading.Thread(target=_end_with_the_test, daemon=True).start()
    os.environ.update(environ)
    if skew:
        time_machine.travel(real_now() + skew).start()
    work(quickened(build_app(environ)), has_begun, *told)


def _end_with_the_test() -> None:
    test = multiprocessing.parent_process()
    assert test is not None
    test.join()
    os._exit(1)


def _work(app: Flask, has_begun: Event) -> None:
    has_begun.set()
    run_worker(app)


def _serve(app: Flask, has_begun: Event, port: int, log: Path) -> None:
    with log.open("ab", buffering=0) as kept:
        os.dup2(kept.fileno(), sys.stderr.fileno())
    app.testing = False
    server = waitress.create_server(app, listen=f"{HERE}:{port}", threads=SITE_THREADS)
    has_begun.set()
    server.run()
