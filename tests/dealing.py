"""The order of tests that makes pytest-xdist deal the long ones evenly."""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def dealt(long: Sequence[Item], short: Sequence[Item], *, workers: int) -> list[Item]:
    """Return all items, each worker's share beginning with its part of the long ones.

    ``--dist worksteal`` cuts the list as here: an equal part of what is left for each worker.
    """
    items: list[Item] = []
    done = 0
    count = len(long) + len(short)
    for number in range(workers):
        size = (count - len(items)) // (workers - number)
        begin, end = (len(long) * place // workers for place in (number, number + 1))
        fill = max(size - (end - begin), 0)
        items += [*long[begin:end], *short[done : done + fill]]
        done += fill
    return [*items, *short[done:]]
