"""One worker's settling as a process of its own, so that what it takes can be measured.

It plans and sends as the worker's jobs do, and prints one line of JSON at the end. Run by
the benchmarks; its settings come from the environment.
"""

import argparse
import gc
import json
import os
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from octo.database import db
from octo.scheduler import jobs
from payments.gateway.client import Gateway
from payments.gateway.engine import Engine
from payments.gateway.runtime import PaymentsRuntime, payments_runtime
from payments.settlement.settle import move_settling_campaigns
from tests import site

PLAN_EVERY_SECONDS = 1.0
TICK_SECONDS = 0.1
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Taken:
    """What settling took, from the first claim to the last outcome written down."""

    outcomes: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    commits: int


@dataclass
class CountingGateway:
    """A gateway that says when enough was sent."""

    gateway: Gateway
    enough: int
    sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, *call: Any) -> Any:
        """Send, and count."""
        with self._lock:
            self.sent += 1
        return self.gateway.send(*call)

    def is_enough(self) -> bool:
        """Tell whether as much was sent as was asked for."""
        return self.sent >= self.enough

    def __getattr__(self, name: str) -> Any:
        return getattr(self.gateway, name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--enough", type=int, required=True, help="stop after so many calls")
    parser.add_argument("--compare", action="store_true", help="compare the books first")
    options = parser.parse_args()
    app = site.build_app(dict(os.environ))
    gc.freeze()  # as wsgi.py does
    with app.app_context():
        runtime = payments_runtime()
        if options.compare:
            jobs(app)["compare_books"].run()
        print(json.dumps(asdict(_settle(app, runtime, options.enough))))
    site.close(app)


def _settle(app: Flask, runtime: PaymentsRuntime, enough: int) -> Taken:
    gateway: Any = CountingGateway(runtime.gateway, enough)
    commits = _count_commits(db.engine)
    cpu = _cpu_seconds()
    _plan(runtime, gateway)
    stop = threading.Event()
    planner = threading.Thread(target=_plan_until, args=(app, runtime, gateway, stop))
    planner.start()
    began = time.monotonic()
    engine = Engine(gateway, runtime.settings, runtime.clock, gateway.is_enough)
    outcomes = 0
    moved = began
    while not gateway.is_enough() and time.monotonic() - moved < PATIENCE_SECONDS:
        if written := engine.run():
            outcomes += written
            moved = time.monotonic()
        else:  # the pace is given out for a while after a worker was late
            time.sleep(TICK_SECONDS)
    seconds = time.monotonic() - began
    stop.set()
    planner.join()
    return Taken(
        outcomes=outcomes,
        seconds=seconds,
        cpu_seconds=_cpu_seconds() - cpu,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        commits=commits(),
    )


def _plan(runtime: PaymentsRuntime, gateway: Any) -> None:
    move_settling_campaigns(gateway=gateway, settings=runtime.settings, clock=runtime.clock)


def _plan_until(app: Flask, runtime: PaymentsRuntime, gateway: Any, stop: threading.Event) -> None:
    while not stop.wait(PLAN_EVERY_SECONDS):
        with app.app_context():
            _plan(runtime, gateway)


def _count_commits(engine: sa.Engine) -> Callable[[], int]:
    """Count the commits of transactions that were begun to write."""
    counted: list[bool] = []

    @event.listens_for(engine, "commit")
    def _on_commit(connection: sa.Connection) -> None:
        if "octo_begin" in connection.get_execution_options():
            counted.append(True)

    return lambda: len(counted)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
