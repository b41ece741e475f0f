"""Look at the processes a test has started, and wait for them."""

import time
from collections.abc import Callable

import psutil

PATIENCE_SECONDS = 40


def family(pid: int) -> list[psutil.Process]:
    """Return the living descendants of a process."""
    return psutil.Process(pid).children(recursive=True)


def wait_until(condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition, and fail the test if it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"still not so after {seconds} s"
        time.sleep(0.05)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run; a zombie does not."""
    return [one for one in processes if _runs(one)]


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # gone between the two questions
        return False
