"""The way to Stripe: a proxy where there is one, and no answer that is not whole."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import stripe

from payments.gateway.transport import PooledClient

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{"
NOWHERE = "http://stripe.invalid"


@contextmanager
def listening(answer: bytes) -> Iterator[tuple[str, list[str]]]:
    """Answer every connection once, and keep the first line of what it asked."""
    asked: list[str] = []

    class Answerer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline().decode().strip())
            while self.rfile.readline().strip():
                continue
            self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answerer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


def test_a_proxy_of_the_environment_is_used_except_for_what_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listening(WHOLE) as (proxy, asked):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "127.0.0.1")

        PooledClient(NOWHERE, connections=1).request("get", f"{NOWHERE}/v1/balance", {})
        PooledClient(proxy, connections=1).request("get", f"{proxy}/v1/balance", {})

    assert asked == [f"GET {NOWHERE}/v1/balance HTTP/1.1", "GET /v1/balance HTTP/1.1"]


@pytest.mark.parametrize("answer", [CUT, b"", b"nonsense\r\n\r\n"])
def test_an_answer_that_is_not_whole_is_no_answer(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with listening(answer) as (address, asked):
        client = PooledClient(address, connections=1)
        with pytest.raises(stripe.APIConnectionError):
            client.request("post", f"{address}/v1/refunds", {}, "amount=1")

    assert len(asked) == 1
