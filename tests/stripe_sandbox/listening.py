"""A site that listens to webhooks, checks each with the real SDK, and remembers them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import stripe

SECRET = "whsec_known_in_advance"


class Listener:
    """What one endpoint has received."""

    def __init__(self) -> None:
        self.url = ""
        self.events: list[stripe.Event] = []
        self.statuses: list[int] = []  # to be answered, in turn; then 200 for ever
        self.on_event: Callable[[stripe.Event], Any] = lambda _event: None

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def receive(self, payload: bytes, signature: str) -> int:
        event = stripe.Webhook.construct_event(payload, signature, SECRET)
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            return status
        self.on_event(event)
        self.events.append(event)
        return 200


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen on a free port of this machine."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            status = listener.receive(payload, self.headers["Stripe-Signature"])
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    listener.url = f"http://127.0.0.1:{server.server_port}/webhooks/stripe"
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
