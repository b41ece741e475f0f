"""Ledger postings per second, against what the same database does at its simplest.

A posting is a whole charge: the movement, its ledger transaction and three entries, with every
constraint and trigger on, in a commit of its own that waits for the disk. What is compared is
measured in turns of a second or two, so that a machine busy with other things slows both
sides; each ratio is the median of the turns.
"""

import re
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, Final, Self

import sqlalchemy as sa

from bench.figures import Figure
from bench.places import migrate, running_site, scratch
from bench.poster import Order, begin, charge, ready, work
from campaigns.models import Campaign
from octo.database import transaction
from payments.accounting import entries
from payments.ledger.posting import adopt_movement
from tests.payments.accounting import books
from tests.postgresql import postgresql_programs, temporary_postgresql

TURNS: Final = 7
SECONDS: Final = 1.5
TARGET: Final = 0.8
CLIENTS: Final = (1, 8)
CAMPAIGNS: Final = 200
TPC_B_SCALE: Final = 10
MARK: Final = "@"
START_AFTER_SECONDS: Final = 1.0  # each makes its charges meanwhile


def measure() -> Iterator[Figure]:
    """Measure both databases."""
    yield from _measure_postgresql()
    yield from _measure_sqlite()


def _measure_postgresql() -> Iterator[Figure]:
    with scratch() as folder, temporary_postgresql(durable=True) as url:
        migrate(url, folder)
        _make_campaigns(url, folder)
        bench = PgBench(postgresql_programs(folder), url)
        bench.run("--initialize", "--quiet", f"--scale={TPC_B_SCALE}")
        bench.learn(folder / "posting.sql", *_overhear(url, folder))
        for clients in CLIENTS:
            with Posters(url, folder, clients) as posters:
                turns = [_turn(bench, posters, clients) for _ in range(TURNS)]
            yield from _compare(clients, turns)


@dataclass(frozen=True)
class Turn:
    """Commits a second, one after the other."""

    tpc_b: float
    sent_by_pgbench: float
    hot: float
    spread: float
    within: float


def _turn(bench: "PgBench", posters: "Posters", clients: int) -> Turn:
    return Turn(
        tpc_b=bench.rate(clients),
        sent_by_pgbench=bench.rate(clients, *bench.posting()),
        hot=posters.rate(is_hot=True, is_alone=True),
        spread=posters.rate(is_hot=False, is_alone=True),
        within=posters.rate(is_hot=True, is_alone=False),
    )


def _compare(clients: int, turns: list[Turn]) -> Iterator[Figure]:
    where = f"PostgreSQL, clients: {clients}"
    yield Figure(
        f"{where}: pgbench TPC-B",
        median(turn.tpc_b for turn in turns),
        "commits/s",
        note="prepared statements, as our driver's are; the same server and fsync",
    )
    yield Figure(f"{where}: postings", median(turn.hot for turn in turns), "commits/s")
    yield Figure(
        f"{where}: postings against TPC-B",
        median(turn.hot / turn.tpc_b for turn in turns),
        "ratio",
        TARGET,
        note="all on one campaign, alone in their commit: one round trip",
    )
    yield Figure(
        f"{where}: postings sent by pgbench against TPC-B",
        median(turn.sent_by_pgbench / turn.tpc_b for turn in turns),
        "ratio",
        note="the same statement from the same C program: what a posting costs the server",
    )
    yield Figure(
        f"{where}: one hot campaign against {CAMPAIGNS}",
        median(turn.hot / turn.spread for turn in turns),
        "ratio",
        TARGET,
        note="both move the Stripe balance at every posting",
    )
    yield Figure(
        f"{where}: within a session's transaction against TPC-B",
        median(turn.within / turn.tpc_b for turn in turns),
        "ratio",
        note="begun and committed by the ORM's session, as beside a pledge's new state",
    )


def _measure_sqlite() -> Iterator[Figure]:
    with scratch() as folder:
        url = f"sqlite:///{folder / 'octo.sqlite'}"
        migrate(url, folder)
        _make_campaigns(url, folder)
        bare = Bare(folder / "bare.sqlite")
        with Posters(url, folder, 1) as posters:
            pairs = [(bare.rate(), posters.rate(is_hot=True, is_alone=True)) for _ in range(TURNS)]
        bare.close()
    yield Figure(
        "SQLite: a bare commit of two rows", median(limit for limit, _ in pairs), "commits/s"
    )
    yield Figure("SQLite: postings", median(ours for _, ours in pairs), "commits/s")
    yield Figure(
        "SQLite: postings against the bare commit",
        median(ours / limit for limit, ours in pairs),
        "ratio",
        TARGET,
        note="five rows and their thirteen indexes against two rows and none",
    )


def _make_campaigns(url: str, folder: Path) -> None:
    with running_site(url, folder), transaction() as session:
        session.add_all(books.campaign() for _ in range(CAMPAIGNS))


def _overhear(url: str, folder: Path) -> tuple[str, str]:
    """Post one charge; return the statement as the driver gets it, and the document it is given."""
    heard: list[tuple[str, tuple[str, ...]]] = []
    with running_site(url, folder), transaction() as session:
        payment, movement = charge(session.scalars(sa.select(Campaign)).first(), MARK)
        draft = entries.charge(payment, movement)
        session.expunge_all()

        @sa.event.listens_for(session.connection(), "before_cursor_execute")
        def listen(_one: object, _cursor: object, sql: str, values: Any, *_more: object) -> None:
            heard.append((sql, values))

        adopt_movement(session, movement, draft)
    [(sql, (document,))] = heard
    return sql, document


class Posters:
    """Processes that post on command, all beginning at one instant."""

    def __init__(self, url: str, folder: Path, clients: int) -> None:
        self._clients = clients
        self._pool = ProcessPoolExecutor(
            clients, get_context("spawn"), initializer=begin, initargs=(url, folder)
        )

    def __enter__(self) -> Self:
        for run in [self._pool.submit(ready) for _ in range(self._clients)]:
            run.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def rate(self, *, is_hot: bool, is_alone: bool) -> float:
        """Let all of them post for a while; return how many a second they made together."""
        order = Order(time.time() + START_AFTER_SECONDS, SECONDS, is_hot, is_alone)
        runs = [self._pool.submit(work, order) for _ in range(self._clients)]
        return sum(run.result() for run in runs)


class PgBench:
    """PostgreSQL's own benchmark, on the same server."""

    def __init__(self, programs: Path, url: str) -> None:
        self._program = programs / "pgbench"
        self._address = sa.make_url(url)

    def learn(self, script: Path, sql: str, document: str) -> None:
        """Be ready to send a posting as the engine does, each time with ids of its own."""
        name = ":run::text || '-' || :client_id::text || '-' || :n::text"
        spoken = sql.replace("$1", f"replace(:document::text, '{MARK}', {name})")
        script.write_text(f"\\set n :n + 1\n{spoken.strip()};\n")
        self._posting = [f"--file={script}", f"--define=document={document}", "--define=n=0"]

    def posting(self) -> list[str]:
        """Return the options of a run that posts what no other run does."""
        return [*self._posting, f"--define=run={uuid.uuid4().hex[:12]}"]

    def rate(self, clients: int, *options: str) -> float:
        """Return how many transactions a second it makes: TPC-B unless told otherwise."""
        told = self.run(
            *options,
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={clients}",
            f"--jobs={min(clients, 2)}",
            f"--time={max(round(SECONDS), 1)}",
        )
        found = re.search(r"tps = ([0-9.]+)", told)
        assert found, told
        return float(found[1])

    def run(self, *arguments: str) -> str:
        """Run it and return what it tells."""
        host, name = self._address.query["host"], str(self._address.database)
        done = subprocess.run(
            [self._program, "--username=postgres", f"--host={host}", *arguments, name],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout


class Bare:
    """Two rows at a time, committed as durably as the site does, with nothing else around."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, words TEXT)")

    def rate(self) -> float:
        """Return how many commits a second."""
        count, began = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - began) < SECONDS:
            self._connection.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                self._connection.execute("INSERT INTO bare (words) VALUES (?)", ("x" * 100,))
            self._connection.execute("COMMIT")
            count += 1
        return count / elapsed

    def close(self) -> None:
        """Close it."""
        self._connection.close()
