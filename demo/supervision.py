"""Start processes that cannot outlive this one, name their lines, and stop them in order."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

ROOT: Final = Path(__file__).resolve().parent.parent
GUARD: Final = Path(__file__).with_name("guarded.py")
DRAIN_SECONDS: Final = 35
POLL_SECONDS: Final = 0.1


class ChildError(Exception):
    """A child ended by itself or does not answer; the rest must stop."""


@dataclass(frozen=True)
class Child:
    """One running process and the signal that asks it to drain."""

    name: str
    process: "subprocess.Popen[str]"
    drain_signal: signal.Signals


class Supervisor:
    """A set of children that share one fate.

    Each has a process group of its own, so that Ctrl-C reaches this process alone and the
    order of stopping is decided here, and a pipe whose closing tells it that we are gone.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.stopping = threading.Event()
        self._environ = dict(environ)
        self._children: list[Child] = []
        self._lifeline, self._held = os.pipe()
        self._printing = threading.Lock()

    def start(
        self, name: str, *command: str, drain_signal: signal.Signals = signal.SIGTERM
    ) -> Child:
        """Start a module that runs until it is stopped, its lines prefixed with ``name``."""
        process = self._spawn(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        child = Child(name, process, drain_signal)
        self._children.append(child)
        threading.Thread(target=self._relay, args=(child,), daemon=True).start()
        return child

    def finish(self, name: str, *command: str) -> None:
        """Run a module to its end on this terminal; raise ``ChildError`` if it fails."""
        process = self._spawn(command, stdout=None, stderr=None)
        child = Child(name, process, signal.SIGTERM)
        self._children.append(child)
        while process.poll() is None and not self.stopping.is_set():
            self.check()
            time.sleep(POLL_SECONDS)
        if self.stopping.is_set():
            return
        self._children.remove(child)
        if process.returncode != 0:
            raise ChildError(_ending(name, process.returncode))

    def check(self) -> None:
        """Raise ``ChildError`` if a child is gone that nobody stopped."""
        for child in self._children:
            code = child.process.poll()
            if code is not None and not self.stopping.is_set():
                raise ChildError(_ending(child.name, code))

    def watch(self) -> None:
        """Wait until someone asks to stop, or a child dies."""
        while not self.stopping.wait(POLL_SECONDS):
            self.check()

    def stop(self, *names: str) -> None:
        """Drain the named children together (all of them without names), then end what is left."""
        chosen = [child for child in self._children if not names or child.name in names]
        for child in chosen:
            if child.process.poll() is None:
                child.process.send_signal(child.drain_signal)
        end = time.monotonic() + DRAIN_SECONDS
        for child in chosen:
            try:
                child.process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self._children = [child for child in self._children if child not in chosen]

    def _spawn(
        self, command: Sequence[str], *, stdout: int | None, stderr: int | None
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(GUARD), str(self._lifeline), *command],
            cwd=ROOT,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            errors="replace",
            pass_fds=(self._lifeline,),
            process_group=0,
        )

    def _relay(self, child: Child) -> None:
        lines: IO[str] | None = child.process.stdout
        assert lines is not None
        for line in lines:
            with self._printing:
                sys.stdout.write(f"{child.name:>8} │ {line}")
                sys.stdout.flush()


def _ending(name: str, code: int) -> str:
    ended = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    return f"{name} {ended}"
