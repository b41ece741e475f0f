"""Children share one fate with the process that started them, however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.supervision import ROOT
from tests.processes import alive, family, wait_until

SLEEPER = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("drained", flush=True), sys.exit(0)))
print("ready", flush=True)
time.sleep(600)
"""
FAILING = "import sys, time; time.sleep(0.3); sys.exit(7)"
PARENT = """
import os, signal, sys
from demo.supervision import ChildError, Supervisor

supervisor = Supervisor(os.environ)
signal.signal(signal.SIGTERM, lambda *_: supervisor.stopping.set())
try:
    for name in sys.argv[1:]:
        supervisor.start(name, name)
    supervisor.watch()
except ChildError as error:
    print(error)
    code = 1
else:
    code = 0
supervisor.stop()
sys.exit(code)
"""


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """Give a folder of modules to run as children."""
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    (tmp_path / "another.py").write_text(SLEEPER)
    (tmp_path / "failing.py").write_text(FAILING)
    return tmp_path


@pytest.fixture
def parent(modules: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a supervisor of two sleepers, both ready."""
    process = run_parent(modules, "sleeper", "another")
    wait_until(lambda: len(family(process.pid)) == 2)
    assert process.stdout is not None
    assert {process.stdout.readline().split()[-1] for _ in range(2)} == {"ready"}
    yield process
    process.kill()
    process.wait()


def run_parent(modules: Path, *names: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, *names],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{modules}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_children_drain_when_the_parent_is_told_to_stop(parent: "subprocess.Popen[str]") -> None:
    children = family(parent.pid)

    parent.send_signal(signal.SIGTERM)
    output, _ = parent.communicate(timeout=40)

    assert parent.returncode == 0
    assert output.count("drained") == 2
    assert alive(children) == []


def test_children_end_when_the_parent_is_killed(parent: "subprocess.Popen[str]") -> None:
    children = family(parent.pid)

    parent.kill()

    wait_until(lambda: not alive(children))


def test_lines_carry_the_name_of_their_child(parent: "subprocess.Popen[str]") -> None:
    parent.send_signal(signal.SIGTERM)
    output, _ = parent.communicate(timeout=40)

    assert " sleeper │ drained\n" in output
    assert " another │ drained\n" in output


def test_a_child_that_dies_stops_the_rest_and_is_named(modules: Path) -> None:
    process = run_parent(modules, "sleeper", "failing")
    wait_until(lambda: len(family(process.pid)) == 2)
    children = family(process.pid)

    output, _ = process.communicate(timeout=40)

    assert process.returncode == 1
    assert "failing ended with code 7" in output
    assert alive(children) == []
