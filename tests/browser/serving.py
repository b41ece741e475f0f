"""The site of one test on a port of its own, for a browser to reach."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from flask import Flask
from waitress.server import create_server

THREADS: Final = 4
STOP_SECONDS: Final = 10


@contextmanager
def serving(app: Flask, address: str) -> Iterator[None]:
    """Serve the app as ``make run`` does, in a thread, until the test is over."""
    port = urlsplit(address).port
    server = create_server(app, host="127.0.0.1", port=port, threads=THREADS)
    thread = threading.Thread(target=server.run, name=f"site-{port}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.trigger.pull_trigger(server.close)
        thread.join(STOP_SECONDS)
        server.task_dispatcher.shutdown()
