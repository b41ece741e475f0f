"""Ctrl-C in the terminal of ``make run`` is a way to stop, not an error."""

import os
import pty
import sys
from pathlib import Path

from demo.supervision import ROOT

MAKEFILE = """
run:
\t@exec {python} -c '{program}'
"""
PROGRAM = (
    "import signal, sys, time; from demo.runner import take_the_terminal; "
    'signal.signal(signal.SIGINT, lambda *_: (print("drained"), sys.exit(0))); '
    'take_the_terminal(); print("ready", flush=True); time.sleep(60)'
)
CONTROL_C = b"\x03"


def test_make_ends_well_when_the_runner_does(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE.format(python=sys.executable, program=PROGRAM))
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execvp("make", ["make", "run"])
    said = b""

    while b"ready" not in said:
        said += os.read(terminal, 1024)
    os.write(terminal, CONTROL_C)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    os.close(terminal)
