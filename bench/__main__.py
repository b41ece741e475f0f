"""Measure, print a table and write ``bench/results.json``.

Ratios compare two things measured in one run on one machine, so they mean the same on
another. Whoever is below target is told, and nothing fails: a benchmark is not a test.
``docs/performance.md`` says how to read it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from rich.console import Console

from bench import memory, nights, pages, postings, settlements
from bench.figures import Figure, show, write

BENCHMARKS: Final[dict[str, Callable[[], Iterator[Figure]]]] = {
    "postings": postings.measure,
    "pages": pages.measure,
    "settlements": settlements.measure,
    "nights": nights.measure,
    "memory": memory.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    chosen = parser.parse_args().names or list(BENCHMARKS)
    if unknown := set(chosen) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    progress = Console(stderr=True)
    began = time.monotonic()
    for name in chosen:
        with progress.status(f"Measuring {name}…"):
            for figure in BENCHMARKS[name]():
                figures.append(figure)
                elapsed = time.monotonic() - began
                progress.print(
                    f"{elapsed:4.0f} s  {figure.name}: {figure.value:,.2f} {figure.unit}"
                )
    write(figures)
    show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
