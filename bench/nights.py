"""How soon money moves: after a deadline, and after a worker was killed, alone or beside another.

Real workers on real clocks; Stripe's sandbox answers after 200 ms.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

import sqlalchemy as sa

from bench.figures import Figure
from bench.places import DATABASES, migrate, running_site, scratch
from campaigns.models import Campaign
from octo.clock import DatabaseClock
from octo.database import lock, reading, transaction
from payments.models import Attempt, AttemptKind, AttemptStatus, BooksState, Reconciliation
from stripe_sandbox.client import SandboxClient
from tests import site
from tests.crowd import charge_cards, gather, movements_at
from tests.make import Make
from tests.moment import Moment
from tests.sandbox import running_sandbox

KEY: Final = "sk_test_bench"
PLEDGES: Final = 800
RATE: Final = 25
LATENCY_MS: Final = 200
DEADLINE_AFTER: Final = timedelta(seconds=5)
TARGET_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 120
ROOT: Final = Path(__file__).parent.parent
Found = TypeVar("Found")


def measure() -> Iterator[Figure]:
    """Measure both on both databases."""
    for name, database in DATABASES.items():
        with (
            scratch() as folder,
            database(folder) as url,
            running_sandbox(folder / "sandbox") as sandbox_url,
        ):
            sandbox = SandboxClient(sandbox_url, KEY)
            charge_cards(sandbox, PLEDGES)
            migrate(url, folder)
            settings = {
                **site.site_environ(url, folder),
                "STRIPE_API_BASE": sandbox_url,
                "STRIPE_SECRET_KEY": KEY,
                "STRIPE_RATE": str(RATE),
                "STRIPE_RATE_ENDPOINT": str(RATE),
            }
            with running_site(url, folder, **settings) as app:
                make = Make(app, Moment(app, sandbox))
                campaign = make.live_campaign(goal=10**9, is_ready=False)
                gather(campaign, movements_at(sandbox))
                sandbox.fault(
                    method="POST",
                    path="/v1/refunds",
                    action="latency",
                    milliseconds=LATENCY_MS,
                    times=0,
                )
                yield from _measure_one(name, settings, campaign.id)
            sandbox.close()


def _measure_one(name: str, settings: dict[str, str], campaign_id: int) -> Iterator[Figure]:
    with _worker(settings) as first, _worker(settings) as second:
        _wait_for(_compared)
        deadline = _end_soon(campaign_id)
        begun = _wait_for(_first_sent)
        yield Figure(
            f"{name}: deadline to first money",
            (begun - deadline).total_seconds(),
            "s",
            TARGET_SECONDS,
            higher_is_better=False,
            note="two workers, the books just compared, nothing in flight",
        )
        holder = _wait_for(lambda: _holding(first.pid))
        first.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        held = _held_by(holder)
        _wait_for(lambda: not _held_by(holder))
        note = f"{held} calls held when it was killed, all of them in the hands of the other"
        yield Figure(
            f"{name}: work resumed after kill -9",
            time.monotonic() - killed,
            "s",
            TARGET_SECONDS,
            higher_is_better=False,
            note=note,
        )
        _wait_for(lambda: _holding(second.pid))
        second.send_signal(signal.SIGKILL)
        second.wait()
        known = _sent()
        killed = time.monotonic()
        with _worker(settings):
            _wait_for(lambda: _sent() > known)
            yield Figure(
                f"{name}: a lone worker killed and started again",
                time.monotonic() - killed,
                "s",
                TARGET_SECONDS,
                higher_is_better=False,
                note=f"first refund after {known}; it starts, compares the books, then sends",
            )


@contextmanager
def _worker(settings: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _wait_for(find: Callable[[], Found | None]) -> Found:
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := find()):
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)
    return found


def _compared() -> bool:
    """Tell whether the workers have begun and compared the books."""
    with reading() as session:
        standing = sa.select(Reconciliation.id).where(
            Reconciliation.state == BooksState.CURRENT, Reconciliation.holder.is_(None)
        )
        return session.scalar(standing) is not None


def _end_soon(campaign_id: int) -> datetime:
    with transaction() as session:
        campaign = lock(session, Campaign, id=campaign_id)
        campaign.deadline_at = DatabaseClock().now() + DEADLINE_AFTER
        return campaign.deadline_at


_REFUNDS: Final = Attempt.kind == AttemptKind.REFUND_CREATE


def _first_sent() -> datetime | None:
    with reading() as session:
        return session.scalar(sa.select(sa.func.min(Attempt.first_sent_at)).where(_REFUNDS))


def _sent() -> int:
    """Count the refunds that were ever sent."""
    with reading() as session:
        sent = sa.select(sa.func.count()).where(_REFUNDS, Attempt.first_sent_at.is_not(None))
        return session.scalar(sent) or 0


def _holding(pid: int) -> str | None:
    """Return the name under which a process holds refunds, once it does."""
    with reading() as session:
        held = sa.select(Attempt.holder).where(
            _REFUNDS, Attempt.status == AttemptStatus.SENT, Attempt.holder.contains(f":{pid}:")
        )
        return session.scalar(held.limit(1))


def _held_by(holder: str) -> int:
    with reading() as session:
        held = sa.select(sa.func.count()).where(
            _REFUNDS, Attempt.status == AttemptStatus.SENT, Attempt.holder == holder
        )
        return session.scalar(held) or 0
