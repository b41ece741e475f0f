"""The demo, loaded once for all tests by the runner itself."""

import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.running import Running

LOADED = "loaded"


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Give what one first run left: ``loaded`` holds its instance, ``loaded.log`` what it said.

    Loading takes most of a minute: the first worker to ask does it, the others wait.
    """
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    shared = shared / "demo"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "done").exists():
            (shared / "done").write_text("it did not load")
            with Running(shared / LOADED) as running:
                running.wait_until_ready()
                pids = [str(child.pid) for child in running.children()]
                (shared / "children").write_text("\n".join(pids))
                (shared / "home.html").write_text(running.fetch("/"))
                (shared / "done").write_text(str(running.stop()))
    assert (shared / "children").exists(), (shared / "loaded.log").read_text()
    return shared


@pytest.fixture
def instance(first_run: Path, tmp_path: Path) -> Iterator[Path]:
    """Give a copy of the loaded demo for one test to change."""
    copy = tmp_path / "instance"
    shutil.copytree(first_run / LOADED, copy)
    yield copy
    shutil.rmtree(copy)
