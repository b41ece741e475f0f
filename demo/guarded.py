"""Run one module as a child that ends when its parent does, however the parent ended.

``python demo/guarded.py FD MODULE ARGUMENT…``: the parent holds the other end of the pipe
``FD`` and never writes. When it closes, even by ``kill -9``, this process is told to drain as
by SIGTERM, and is ended for good if it has not. Started by path: it imports nothing of Octo.
"""

import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

DRAIN_SECONDS: Final = 30


def watch(pipe: int) -> None:
    """Wait for the parent's end of the pipe to close, then end this process."""
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(DRAIN_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    pipe, module, *arguments = sys.argv[1:]
    threading.Thread(target=watch, args=(int(pipe),), daemon=True, name="guard").start()
    sys.argv = [module, *arguments]
    sys.path[0] = str(Path.cwd())  # as `python -m` would, instead of this file's folder
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:  # told to stop before it could listen: nothing to trace
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
