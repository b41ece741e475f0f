"""Ledger postings per second, against what the same database does at its simplest.

A posting is a whole charge of one hot campaign: the movement, its ledger transaction and
three entries, in a commit of its own that waits for the disk.
"""

import itertools
import multiprocessing
import re
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bench.figures import Figure
from bench.places import migrate, running_site, scratch
from campaigns.models import Campaign
from octo.database import db, transaction
from payments.ledger import rules
from payments.ledger.drafts import MovementFacts
from payments.ledger.posting import adopt_movement
from payments.models import Payment
from tests.payments.ledger import books
from tests.postgresql import postgresql_programs, temporary_postgresql

SECONDS: Final = 5.0
TARGET: Final = 0.8
CLIENTS: Final = (1, 8)
TPC_B_SCALE: Final = 10
START_AFTER_SECONDS: Final = 10.0  # eight processes import the site on two cores meanwhile


def measure() -> Iterator[Figure]:
    """Measure both databases."""
    yield from _measure_postgresql()
    yield from _measure_sqlite()


def _measure_postgresql() -> Iterator[Figure]:
    with scratch() as folder, temporary_postgresql(durable=True) as url:
        migrate(url, folder)
        campaign_id = _make_campaign(url, folder)
        programs = postgresql_programs(folder)
        _pgbench(programs, url, "--initialize", "--quiet", f"--scale={TPC_B_SCALE}")
        for clients in CLIENTS:
            limit = _tpc_b(programs, url, clients)
            ours = _post_from_processes(url, folder, campaign_id, clients)
            yield from _compare(f"PostgreSQL, clients: {clients}", ours, limit, "pgbench TPC-B")


def _measure_sqlite() -> Iterator[Figure]:
    with scratch() as folder:
        url = f"sqlite:///{folder / 'octo.sqlite'}"
        migrate(url, folder)
        campaign_id = _make_campaign(url, folder)
        limit = _commit_two_rows(folder / "bare.sqlite")
        ours = _post(url, folder, campaign_id, starts_at=time.time())
        yield from _compare("SQLite", ours, limit, "a bare commit of two rows")


def _compare(where: str, ours: float, limit: float, what: str) -> Iterator[Figure]:
    yield Figure(f"{where}: {what}", limit, "commits/s")
    yield Figure(f"{where}: postings", ours, "commits/s")
    yield Figure(f"{where}: postings against the limit", ours / limit, "ratio", TARGET)


def _make_campaign(url: str, folder: Path) -> int:
    with running_site(url, folder), transaction() as session:
        campaign = books.campaign()
        session.add(campaign)
        session.flush()
        return campaign.id


def _post_from_processes(url: str, folder: Path, campaign_id: int, clients: int) -> float:
    """Post from as many processes, all beginning at one instant."""
    starts_at = time.time() + START_AFTER_SECONDS
    with ProcessPoolExecutor(clients, multiprocessing.get_context("spawn")) as pool:
        runs = [
            pool.submit(_post, url, folder, campaign_id, starts_at=starts_at)
            for _ in range(clients)
        ]
        return sum(run.result() for run in runs)


def _post(url: str, folder: Path, campaign_id: int, *, starts_at: float) -> float:
    """Post one charge a commit for some seconds; return how many a second."""
    with running_site(url, folder):
        campaign = db.session.get_one(Campaign, campaign_id)
        db.session.expunge(campaign)
        db.session.commit()
        charges = _charges(campaign)
        time.sleep(max(starts_at - time.time(), 0))

        def post_one() -> None:
            payment, movement = next(charges)
            with transaction() as session:
                adopt_movement(session, movement, rules.charge(payment, movement))

        return _rate_of(post_one)


def _charges(campaign: Campaign) -> Iterator[tuple[Payment, MovementFacts]]:
    """Make charges of 52.00 that no other process makes."""
    mine = uuid.uuid4().hex[:12]
    for number in itertools.count():
        payment = Payment(
            public_id=f"pay_{mine}{number:010}",
            campaign=campaign,
            amount=50_00,
            tip_amount=2_00,
            is_late=False,
        )
        seen = books.movement(52_00, fee=1_03, source=f"ch_{mine}{number:010}")
        stripe_id = f"txn_{mine}{number:010}"
        yield payment, replace(seen, stripe_balance_transaction_id=stripe_id)


def _commit_two_rows(path: Path) -> float:
    """Commit two rows at a time, as durably as the site does, with nothing else around."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, words TEXT)")

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            connection.execute("INSERT INTO bare (words) VALUES (?)", ("x" * 100,))
        connection.execute("COMMIT")

    try:
        return _rate_of(commit)
    finally:
        connection.close()


def _rate_of(work: Callable[[], None]) -> float:
    count, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < SECONDS:
        work()
        count += 1
    return count / elapsed


def _tpc_b(programs: Path, url: str, clients: int) -> float:
    options = (f"--client={clients}", f"--jobs={min(clients, 2)}", f"--time={SECONDS:.0f}")
    told = _pgbench(programs, url, "--no-vacuum", *options)
    found = re.search(r"tps = ([0-9.]+)", told)
    assert found, told
    return float(found[1])


def _pgbench(programs: Path, url: str, *arguments: str) -> str:
    address = sa.make_url(url)
    done = subprocess.run(
        [
            *(programs / "pgbench", "--username=postgres", f"--host={address.query['host']}"),
            *arguments,
            str(address.database),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
