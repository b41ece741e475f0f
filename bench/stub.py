"""A refunds endpoint that answers at once and keeps nothing, as a server of its own."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from time import time
from typing import Any, Final
from urllib.parse import parse_qs

_numbers: Final = count()


class _Refunds(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer as Stripe does when a refund succeeds."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        answer = json.dumps(_refund(asked)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _refund(asked: dict[str, str]) -> dict[str, Any]:
    number, amount, now = next(_numbers), int(asked["amount"]), int(time())
    refund_id = f"re_{number:010}"
    named = [name for name in asked if name.startswith("metadata[")]
    return {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "charge": asked["charge"],
        "created": now,
        "currency": "eur",
        "metadata": {name[len("metadata[") : -1]: asked[name] for name in named},
        "status": "succeeded",
        "failure_balance_transaction": None,
        "balance_transaction": {
            "id": f"txn_re_{number:010}",
            "object": "balance_transaction",
            "amount": -amount,
            "available_on": now,
            "created": now,
            "currency": "eur",
            "exchange_rate": None,
            "fee": 0,
            "net": -amount,
            "reporting_category": "refund",
            "source": refund_id,
            "type": "refund",
        },
    }


@contextmanager
def running_stub() -> Iterator[str]:
    """Run it in a thread and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refunds)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
