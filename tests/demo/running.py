"""``make run`` as a test runs it: its runner on free ports, in a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Final, Self

import psutil

from demo.settings import settings_at_hand
from demo.supervision import ROOT
from tests.processes import family, wait_until
from tests.sandbox import free_port

LOADED_SECONDS: Final = 300
STOPPED_SECONDS: Final = 90
READY: Final = "Octo is running"


class Running:
    """One start of the runner, killed at the end of its block if it still runs."""

    def __init__(self, instance: Path, **settings: str) -> None:
        self.port, sandbox_port = free_port(), free_port()
        self.log = instance.with_suffix(".log")
        self.environ = {
            "PATH": os.environ["PATH"],
            "OCTO_INSTANCE": str(instance),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(sandbox_port),
            **settings,
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo.runner"],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def site_environ(self) -> dict[str, str]:
        """The settings the runner gives its children, for a command beside them."""
        return dict(settings_at_hand(self.environ))

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        self.wait_for(READY)

    def wait_for(self, pattern: str) -> None:
        """Wait until a line matches, and fail with all lines if the runner ends before."""
        wait_until(
            lambda: re.search(pattern, self.said) or self.process.poll() is not None,
            seconds=LOADED_SECONDS,
        )
        assert re.search(pattern, self.said), self.said

    def children(self) -> list[psutil.Process]:
        return family(self.process.pid)

    def fetch(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            text: str = answer.read().decode()
            return text

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOPPED_SECONDS)
