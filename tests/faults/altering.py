"""Stripe as it may answer one day: a proxy before the sandbox that changes what comes back."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

CALL_SECONDS: Final = 60
NOT_FORWARDED: Final = {"content-length", "transfer-encoding", "connection", "date", "server"}


@dataclass
class Reply:
    """An answer on its way back."""

    method: str
    path: str
    status: int
    body: bytes
    kind: str = "application/json"


Alter = Callable[[Reply], Reply]


def untouched(reply: Reply) -> Reply:
    return reply


@dataclass
class AlteringStripe:
    """Where the site reaches Stripe, and what happens to each answer."""

    target: str
    alter: Alter = untouched
    url: str = ""
    seen: list[str] = field(default_factory=list)

    def change_objects(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Have every object of every answer changed, however deep it lies."""

        def alter(reply: Reply) -> Reply:
            if reply.status < http.client.BAD_REQUEST and reply.body:
                answer = json.loads(reply.body)
                _each_object(answer, change)
                reply.body = json.dumps(answer).encode()
            return reply

        self.alter = alter


def _each_object(value: Any, change: Callable[[dict[str, Any]], None]) -> None:
    if isinstance(value, list):
        for one in value:
            _each_object(one, change)
    if isinstance(value, dict):
        for one in list(value.values()):
            _each_object(one, change)
        if "object" in value:
            change(value)


@contextmanager
def altering_stripe(target: str) -> Iterator[AlteringStripe]:
    stripe = AlteringStripe(target)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stripe))
    server.daemon_threads = True
    stripe.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield stripe
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(stripe: AlteringStripe) -> type[BaseHTTPRequestHandler]:
    parts = urlsplit(stripe.target)
    assert parts.hostname is not None

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            connection = http.client.HTTPConnection(
                str(parts.hostname), parts.port, timeout=CALL_SECONDS
            )
            connection.request(
                self.command, self.path, self.rfile.read(size), dict(self.headers.items())
            )
            answer = connection.getresponse()
            reply = Reply(self.command, self.path, answer.status, answer.read())
            stripe.seen.append(f"{self.command} {self.path}")
            reply = stripe.alter(reply)
            self.send_response(reply.status)
            for name, value in answer.getheaders():
                if name.lower() not in {*NOT_FORWARDED, "content-type"}:
                    self.send_header(name, value)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            connection.close()

        do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815 - the names http.server calls

        def log_message(self, *_: object) -> None:
            return

    return Handler
