"""Death at a chosen call: every call to the database and on a socket to Stripe is counted.

Between two of them nothing leaves the process, so that a death before each is a death anywhere.
To wait for an answer is one call, in however many pieces it comes.
"""

import os
import signal
import socket
import sqlite3
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final

import psycopg
import pytest
import sqlalchemy as sa

_SENDS: Final = "sendall"
_WAITS: Final = "recv_into"
_CURSOR_CALLS: Final = ("execute", "executemany")
_CONNECTION_CALLS: Final = ("commit", "rollback")
_LONGEST_STATEMENT: Final = 60

Count = Callable[[str], None]


class Reaper:
    """Counts the calls of this process, and ends it just before one of them.

    ``told`` is where it writes the number and the name of that call, or of the last.
    """

    def __init__(self, call: int | None, answer: int) -> None:
        self._call = call
        self._told = answer
        self._count = 0
        self._lock = threading.Lock()
        self._asking: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def count(self, what: str) -> None:
        """Count one call; at the chosen one, say so and end."""
        with self._lock:
            self._count += 1
            if self._count == self._call:
                self.tell(what)
                os.kill(os.getpid(), signal.SIGKILL)

    def tell(self, what: str) -> None:
        """Say how far this process came."""
        os.write(self._told, f"{self._count} {what}\n".encode())

    def watch(self, engine: sa.Engine) -> None:
        """Count from now on, to the end of this process; there is no connection yet."""
        patch = pytest.MonkeyPatch()
        patch.setattr(socket.socket, "connect", _counted(self.count, socket.socket, "connect"))
        patch.setattr(socket.socket, _SENDS, self._sends())
        patch.setattr(socket.socket, _WAITS, self._waits())
        for name in _CURSOR_CALLS:
            patch.setattr(psycopg.Cursor, name, _counted(self.count, psycopg.Cursor, name))
        for name in _CONNECTION_CALLS:
            patch.setattr(psycopg.Connection, name, _counted(self.count, psycopg.Connection, name))
        counted = _counted_sqlite(self.count)

        @sa.event.listens_for(engine, "do_connect")
        def _on_connect(_d: object, _record: object, _args: object, given: dict[str, Any]) -> None:
            self.count("connect to the database")
            if engine.dialect.name == "sqlite":
                given["factory"] = counted

    def _sends(self) -> Callable[..., Any]:
        made = _counted(self.count, socket.socket, _SENDS)

        def counted(this: socket.socket, *given: Any) -> Any:
            self._asking.add(this)
            return made(this, *given)

        return counted

    def _waits(self) -> Callable[..., Any]:
        made = socket.socket.recv_into

        def counted(this: socket.socket, *given: Any) -> Any:
            if this in self._asking:
                self._asking.discard(this)
                self.count(_WAITS)
            return made(this, *given)

        return counted


def _counted_sqlite(count: Count) -> type[sqlite3.Connection]:
    """Return a connection whose calls are counted; the driver's own class cannot be changed."""
    cursor = type(
        "CountedCursor",
        (sqlite3.Cursor,),
        {name: _counted(count, sqlite3.Cursor, name) for name in _CURSOR_CALLS},
    )
    calls = {name: _counted(count, sqlite3.Connection, name) for name in _CONNECTION_CALLS}
    calls["cursor"] = lambda self: sqlite3.Connection.cursor(self, cursor)
    return type("CountedConnection", (sqlite3.Connection,), calls)


def _counted(count: Count, owner: type[Any], name: str) -> Callable[..., Any]:
    made = getattr(owner, name)

    def counted(self: Any, *given: Any, **options: Any) -> Any:
        said = given[0] if given and isinstance(given[0], str) else ""
        count(f"{name} {' '.join(said.split())[:_LONGEST_STATEMENT]}".strip())
        return made(self, *given, **options)

    return counted
