"""The sandbox as a program: ``python -m stripe_sandbox --port 8001``."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import WSGITask

from stripe_sandbox.app import Sandbox, create_sandbox

_THREADS: Final = 64


class _Task(WSGITask):  # type: ignore[misc]
    """One request, which a fault may end by cutting its connection."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ["sandbox.cut_connection"] = _cutter(self.channel)
        return environ


class _Channel(HTTPChannel):  # type: ignore[misc]
    task_class = _Task


def _cutter(channel: HTTPChannel) -> Callable[[], None]:
    def cut() -> None:
        with contextlib.suppress(OSError):
            channel.socket.shutdown(socket.SHUT_RDWR)
        channel.will_close = True

    return cut


def create_http_server(sandbox: Sandbox, host: str, port: int) -> BaseWSGIServer:
    """Return the server, bound to its port but not yet running."""
    server = create_server(
        sandbox,
        host=host,
        port=port,
        threads=_THREADS,
        connection_limit=1000,
        ident=None,
        clear_untrusted_proxy_headers=True,
    )
    server.channel_class = _Channel
    return server


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sandbox until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m stripe_sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--path", type=Path, default=Path("instance/sandbox"))
    parser.add_argument(
        "--public-url",
        default=os.environ.get("OCTO_SANDBOX_PUBLIC_URL"),
        help="where people reach the pages, if not at the address the API is called at",
    )
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Waitress warns of each request that waits a moment for its thread.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    sandbox = create_sandbox(options.path, public_url=options.public_url)
    try:
        server = create_http_server(sandbox, options.host, options.port)
    except OSError as problem:
        sandbox.close()
        reason = problem.strerror or problem
        print(f"cannot listen on {options.host}:{options.port}: {reason}", file=sys.stderr)  # noqa: T201
        return 2

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    sandbox.start()
    print(  # noqa: T201
        f"Stripe sandbox (TEST) listens on http://{options.host}:{options.port}", flush=True
    )
    try:
        server.run()
    except SystemExit:
        pass
    finally:
        server.task_dispatcher.shutdown(timeout=2)
        server.close()
        sandbox.close()
    return 0


def run_in_thread(sandbox: Sandbox, host: str = "127.0.0.1") -> tuple[str, Callable[[], None]]:
    """Serve the sandbox beside the caller, for tests; return its address and how to stop it."""
    server = create_http_server(sandbox, host, 0)
    thread = threading.Thread(target=server.run, name="sandbox", daemon=True)
    sandbox.start()
    thread.start()

    def stop() -> None:
        server.task_dispatcher.shutdown(timeout=1)
        server.trigger.pull_trigger(server.close)
        thread.join(timeout=5)
        sandbox.close()

    return f"http://{host}:{server.effective_port}", stop
