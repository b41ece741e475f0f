"""Measure, print a table and write ``bench/results.json``.

Ratios compare two things measured in one run on one machine, so they mean the same on
another. Whoever is below target is told, and nothing fails: a benchmark is not a test.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Final

from rich.console import Console

from bench import pages, postings, settlements
from bench.figures import Figure, show, write

BENCHMARKS: Final[dict[str, Callable[[], Iterator[Figure]]]] = {
    "postings": postings.measure,
    "pages": pages.measure,
    "settlements": settlements.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    chosen = parser.parse_args().names or list(BENCHMARKS)
    if unknown := set(chosen) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    for name in chosen:
        with Console(stderr=True).status(f"Measuring {name}…"):
            figures += BENCHMARKS[name]()
    write(figures)
    show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
