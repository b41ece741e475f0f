"""The Stripe sandbox as tests run it: one process a worker, one key and account a test."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from demo.supervision import GUARD, ROOT
from octo.clock import real_now

HERE: Final = "127.0.0.1"
PORTS: Final = range(20_000, 32_000)
START_SECONDS: Final = 60
STOP_SECONDS: Final = 20
YEAR_OF_EXPIRY: Final = real_now().year + 3
EXPIRY: Final = f"12 / {YEAR_OF_EXPIRY % 100:02}"


def free_port() -> int:
    """Find a port that nothing listens on.

    It is none of those that the system gives to whoever connects, or it might be taken meanwhile.
    """
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HERE, port))
            return port


@contextmanager
def running_sandbox(folder: Path, *, host: str = HERE) -> Iterator[str]:
    """Run a sandbox that dies with this process, and give its address on this machine."""
    port = free_port()
    lifeline, held = os.pipe()
    arguments = ["stripe_sandbox", "--host", host, "--port", str(port), "--path", str(folder)]
    with (
        (folder.parent / f"sandbox-{port}.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, str(GUARD), str(lifeline), *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lifeline,),
            process_group=0,
        ) as process,
    ):
        try:
            _wait_until_open(process, port, Path(log.name))
            yield f"http://{HERE}:{port}"
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
            os.close(lifeline)
            os.close(held)


def _wait_until_open(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((HERE, port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"the sandbox did not start:\n{log.read_text()}")
