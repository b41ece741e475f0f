"""The road between a worker and PostgreSQL: it may be slow, cut, or lose the answer to a COMMIT.

PostgreSQL's protocol is passed through as it is. A simple query that says ``COMMIT`` is one
message, known by its bytes; whether there is anything to keep is read in the tags of what was done.
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

import sqlalchemy as sa

COMMIT: Final = b"Q\x00\x00\x00\x0bCOMMIT\x00"
WRITTEN: Final = re.compile(rb"C\x00\x00\x00.(INSERT 0|UPDATE|DELETE) [1-9]", re.DOTALL)
HERE: Final = "127.0.0.1"
PORT: Final = 5432
AT_A_TIME: Final = 1 << 16


class Fate(Enum):
    """What becomes of a COMMIT: it passes, never arrives, or is done and its answer lost."""

    PASSES = auto()
    NEVER_ARRIVES = auto()
    ANSWER_LOST = auto()


@dataclass(eq=False)
class _Road:
    """One connection, and whether its transaction has anything to keep."""

    client: socket.socket
    server: socket.socket
    has_written: bool = False

    def close(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Proxy:
    """The roads to the server of ``database_url``; whoever uses ``url`` takes one.

    ``on_commit`` decides what becomes of each COMMIT that has something to keep.
    """

    def __init__(self, database_url: str, *, host: str = HERE) -> None:
        target = sa.make_url(database_url)
        self._server = str(Path(str(target.query["host"])) / f".s.PGSQL.{PORT}")
        self._door = socket.create_server((host, 0))
        self.url = target.set(
            host=host, port=self._door.getsockname()[1], query={}
        ).render_as_string(hide_password=False)
        self.on_commit: Callable[[], Fate] = lambda: Fate.PASSES
        self.commits = 0
        self.delay_seconds = 0.0
        self._is_open = threading.Event()
        self._is_open.set()
        self._roads: set[_Road] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._let_in, daemon=True).start()

    def cut(self) -> None:
        """Reset every connection that stands; new ones are let in."""
        with self._lock:
            roads, self._roads = self._roads, set()
        for road in roads:
            road.close()

    def part(self) -> None:
        """Let nothing pass, without a word, until it is mended."""
        self._is_open.clear()

    def mend(self) -> None:
        """Let pass again, what waited first."""
        self._is_open.set()

    def close(self) -> None:
        """Let nobody in any more."""
        self.mend()
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut()

    def _let_in(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                road = _Road(client, socket.socket(socket.AF_UNIX))
                try:
                    road.server.connect(self._server)
                except OSError:
                    road.close()
                    continue
                with self._lock:
                    self._roads.add(road)
                for pump in (self._ask, self._answer):
                    threading.Thread(target=self._keep_up, args=(pump, road), daemon=True).start()

    def _keep_up(self, pump: Callable[[_Road], None], road: _Road) -> None:
        with contextlib.suppress(OSError):
            pump(road)
        with self._lock:
            self._roads.discard(road)
        road.close()

    def _ask(self, road: _Road) -> None:
        while passed := road.client.recv(AT_A_TIME):
            self._travel()
            fate = Fate.PASSES
            if COMMIT in passed and road.has_written:
                road.has_written = False
                self.commits += 1
                fate = self.on_commit()
            if fate is Fate.NEVER_ARRIVES:
                return
            if fate is Fate.ANSWER_LOST:
                road.client.shutdown(socket.SHUT_RDWR)
            road.server.sendall(passed)

    def _answer(self, road: _Road) -> None:
        while passed := road.server.recv(AT_A_TIME):
            road.has_written |= WRITTEN.search(passed) is not None
            self._travel()
            road.client.sendall(passed)

    def _travel(self) -> None:
        self._is_open.wait()
        if self.delay_seconds:
            time.sleep(self.delay_seconds)


@contextmanager
def proxy_to(database_url: str, *, host: str = HERE) -> Iterator[Proxy]:
    """Open a road of its own to a PostgreSQL server while the body lasts."""
    proxy = Proxy(database_url, host=host)
    try:
        yield proxy
    finally:
        proxy.close()
