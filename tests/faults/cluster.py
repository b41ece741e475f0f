"""Several machines on one database, each with a wrong clock and a bad road; they fail by lot."""

import random
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Self

from tests.doomed import Worker
from tests.proxy import Fate, Proxy

LARGEST_SKEW_SECONDS: Final = 300.0
LONGEST_FREEZE_SECONDS: Final = 8.0
LONGEST_TROUBLE_SECONDS: Final = 2.0
LONGEST_DELAY_SECONDS: Final = 0.02
BROKEN_COMMITS: Final = 3


class Node:
    """A machine: one worker after the other, one clock, one road to the database."""

    def __init__(self, environ: Mapping[str, str], chances: random.Random) -> None:
        self._chances = chances
        self.skew = timedelta(seconds=chances.uniform(-LARGEST_SKEW_SECONDS, LARGEST_SKEW_SECONDS))
        self.road = Proxy(environ["DATABASE_URL"])
        self._environ = {**environ, "DATABASE_URL": self.road.url}
        self._begin()

    def _begin(self) -> None:
        self._worker = Worker(self._environ, skew=self.skew)

    def wait_until_begun(self) -> None:
        self._worker.wait_until_begun()

    def kill(self) -> None:
        """Lose the worker, and start another."""
        self._worker.kill()
        self._begin()

    def freeze(self) -> None:
        """Stand still for a while, perhaps for longer than a lease."""
        self._worker.freeze()
        time.sleep(self._chances.uniform(0.1, LONGEST_FREEZE_SECONDS))
        self._worker.thaw()

    def lose_the_road(self) -> None:
        """Have every connection reset."""
        self.road.cut()

    def be_parted(self) -> None:
        """Reach nothing for a while, without a word."""
        self.road.part()
        time.sleep(self._chances.uniform(0.1, LONGEST_TROUBLE_SECONDS))
        self.road.mend()

    def be_slow(self) -> None:
        """Have a long road from now on, or a short one again."""
        self.road.delay_seconds = self._chances.uniform(0.0, LONGEST_DELAY_SECONDS)

    def break_commits(self) -> None:
        """Have the next commits lost, or their answers."""
        broken = iter(
            [self._chances.choice((Fate.NEVER_ARRIVES, Fate.ANSWER_LOST))] * BROKEN_COMMITS
        )
        self.road.on_commit = lambda: next(broken, Fate.PASSES)

    def suffer(self) -> str:
        """Let one thing go wrong, and name it."""
        trouble = self._chances.choice(
            (
                self.kill,
                self.freeze,
                self.lose_the_road,
                self.be_parted,
                self.be_slow,
                self.break_commits,
            )
        )
        trouble()
        return trouble.__name__

    def end(self) -> None:
        self._worker.kill()
        self.road.close()


class Cluster:
    """So many nodes, and the troubles that a seed gives them."""

    def __init__(self, environ: Mapping[str, str], *, nodes: int, seed: int) -> None:
        self._chances = random.Random(seed)
        self.nodes = [Node(environ, self._chances) for _ in range(nodes)]

    def __enter__(self) -> Self:
        for node in self.nodes:
            node.wait_until_begun()
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.end()

    def suffer(self) -> str:
        """Let one thing go wrong on one node, and say what and where."""
        number = self._chances.randrange(len(self.nodes))
        time.sleep(self._chances.uniform(0.0, LONGEST_TROUBLE_SECONDS))
        return f"{number}: {self.nodes[number].suffer()}"
