"""Several machines on one database, each with a wrong clock and a bad road; they fail by lot."""

import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, Self

from tests.doomed import Doomed, Door, Site, Worker
from tests.proxy import Fate, Proxy

LARGEST_SKEW_SECONDS: Final = 300.0
LONGEST_FREEZE_SECONDS: Final = 8.0
LONGEST_TROUBLE_SECONDS: Final = 2.0
LONGEST_DELAY_SECONDS: Final = 0.02
BROKEN_COMMITS: Final = 3
OURS_TO_MEND: Final = ("request failed", "error page failed", "Exception while serving")


class Node:
    """A machine: one process after the other, one clock, one road to the database."""

    def __init__(
        self,
        environ: Mapping[str, str],
        chances: random.Random,
        begin: Callable[..., Doomed] = Worker,
    ) -> None:
        self._chances = chances
        self.skew = timedelta(seconds=chances.uniform(-LARGEST_SKEW_SECONDS, LARGEST_SKEW_SECONDS))
        self.road = Proxy(environ["DATABASE_URL"])
        on_this_road = {**environ, "DATABASE_URL": self.road.url}
        self._begin = partial(begin, on_this_road, skew=self.skew)
        self._process = self._begin()

    def wait_until_begun(self) -> None:
        self._process.wait_until_begun()

    def kill(self) -> None:
        """Lose the process, and start another."""
        self._process.kill()
        self._process = self._begin()

    def freeze(self) -> None:
        """Stand still for a while, perhaps for longer than a lease."""
        self._process.freeze()
        time.sleep(self._chances.uniform(0.1, LONGEST_FREEZE_SECONDS))
        self._process.thaw()

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
        self._process.kill()
        self.road.close()


class SiteNode(Node):
    """A machine that answers people at one door, whichever process is behind it."""

    def __init__(self, environ: Mapping[str, str], chances: random.Random, log: Path) -> None:
        self.door = Door()
        self._log = log
        super().__init__(environ, chances, partial(Site, door=self.door, log=log))

    def end(self) -> None:
        super().end()
        self.door.close()

    def faults(self) -> list[str]:
        """Give the lines of its log that say that a request met a fault of ours."""
        return [
            line
            for line in self._log.read_text().splitlines()
            if any(sign in line for sign in OURS_TO_MEND)
        ]


class Cluster:
    """So many machines that work or answer people, and the troubles that a seed gives them."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        workers: int,
        seed: int,
        sites: int = 0,
        logs: Path = Path(),
    ) -> None:
        self._chances = random.Random(seed)
        self.sites: list[SiteNode] = []
        self.nodes: list[Node] = []
        for _ in range(workers):
            self.nodes.append(Node(environ, self._chances))
        for number in range(sites):
            site = SiteNode(environ, self._chances, logs / f"site-{number}.log")
            self.sites.append(site)
            self.nodes.append(site)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            for node in self.nodes:
                stack.callback(node.end)
            for node in self.nodes:
                node.wait_until_begun()
            self._ending = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    def suffer(self, among: Sequence[Node] = ()) -> str:
        """Let one thing go wrong on one node of all, or of these; say what and where."""
        node = self._chances.choice(among or self.nodes)
        time.sleep(self._chances.uniform(0.0, LONGEST_TROUBLE_SECONDS))
        return f"{self.nodes.index(node)}: {node.suffer()}"
