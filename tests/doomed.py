"""Workers that are killed: real processes, forked from one that has imported everything."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from typing import Final

from octo.worker import run_worker
from tests.site import build_app

_PATIENCE_SECONDS: Final = 60

_context: Final = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


@contextmanager
def doomed_worker(environ: Mapping[str, str]) -> Iterator[None]:
    """Run a worker with these settings while the body lasts, then end it with ``SIGKILL``."""
    has_begun = _context.Event()
    process = _context.Process(target=_work, args=(dict(environ), has_begun), daemon=True)
    process.start()
    try:
        assert has_begun.wait(_PATIENCE_SECONDS), "the worker did not start"
        yield
        assert process.is_alive(), "the worker ended by itself"
    finally:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()


def _work(environ: dict[str, str], has_begun: Event) -> None:
    os.environ.update(environ)
    app = build_app(environ)
    has_begun.set()
    run_worker(app)
