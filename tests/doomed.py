"""Workers that are killed: real processes, forked from one that has imported everything."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.synchronize import Event
from typing import Final

import time_machine

from octo.clock import real_now
from octo.worker import run_worker
from tests.site import build_app, quickened

_PATIENCE_SECONDS: Final = 60
ON_TIME: Final = timedelta()

_context: Final = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


class Worker:
    """A worker on a machine of its own, whose clock is wrong by ``skew``; it may freeze and die."""

    def __init__(self, environ: Mapping[str, str], *, skew: timedelta = ON_TIME) -> None:
        self._has_begun = _context.Event()
        arguments = (dict(environ), skew, self._has_begun)
        self._process = _context.Process(target=_work, args=arguments, daemon=True)
        self._process.start()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def wait_until_begun(self) -> None:
        assert self._has_begun.wait(_PATIENCE_SECONDS), "the worker did not start"

    def freeze(self) -> None:
        """Stop it where it stands, as a machine does that is out of breath."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on, unaware of the time that has passed."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it with ``SIGKILL``, frozen or not."""
        self._signal(signal.SIGKILL)
        self._process.join()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)


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


def _work(environ: dict[str, str], skew: timedelta, has_begun: Event) -> None:
    os.environ.update(environ)
    if skew:
        time_machine.travel(real_now() + skew).start()
    app = quickened(build_app(environ))
    has_begun.set()
    run_worker(app)
