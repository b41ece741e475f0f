"""F13: a worker is frozen with money in its hands; another goes on, and its thaw does no harm."""

import sqlite3
import time
from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest
import sqlalchemy as sa

from campaigns.models import Outcome
from octo.database import db, reading
from payments.gateway.attempts import LEASE
from payments.models import Attempt, AttemptKind, AttemptStatus, Freeze
from stripe_sandbox.client import SandboxClient
from tests.doomed import Worker, doomed_worker
from tests.faults.finishing import finish
from tests.faults.judging import check_conserved, check_given_back_once, ended, keys_of
from tests.make import Make
from tests.moment import Moment
from tests.obligations import AVAILABLE_AT_ONCE
from tests.processes import wait_until

MONEY: Final = (AttemptKind.REFUND_CREATE, AttemptKind.TRANSFER_CREATE)
PATHS: Final = ("/v1/refunds", "/v1/transfers")
SLOWLY: Final = 2
ONE_CALL_SECONDS: Final = 1.5
SOON_CUT_OFF_SECONDS: Final = 0.5
A_DAY: Final = timedelta(hours=25)

pytestmark = [pytest.mark.fault("F13"), pytest.mark.both_engines]


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Have Stripe allow so little that what was claimed waits in its worker's hands."""
    return {**environ, "STRIPE_RATE": str(SLOWLY), "STRIPE_RATE_ENDPOINT": str(SLOWLY)}


def held_in_hands() -> int:
    held = sa.select(sa.func.count()).where(
        Attempt.kind.in_(MONEY), Attempt.status == AttemptStatus.SENT
    )
    with reading() as session:
        return session.scalar(held) or 0


def is_written_to() -> bool:
    """Tell whether a worker stands in the middle of a transaction."""
    if db.engine.dialect.name == "postgresql":
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        others = " AND pid <> pg_backend_pid() AND state <> 'idle'"
        with reading() as session:
            return bool(session.scalar(sa.text(busy + others)))
    file = sqlite3.connect(str(db.engine.url.database), isolation_level=None, timeout=0)
    try:
        file.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return True
    finally:
        file.close()
    return False


def freeze(worker: Worker) -> None:
    """Freeze a worker with calls in its hands, while it holds no lock of the database."""
    wait_until(held_in_hands)
    worker.freeze()
    while is_written_to():
        worker.thaw()
        time.sleep(0.02)
        worker.freeze()
    assert held_in_hands()


@pytest.mark.slow
@pytest.mark.parametrize("is_a_day_late", [False, True])
def test_what_a_frozen_worker_held_is_done_by_another_and_by_nobody_twice(
    environ: dict[str, str],
    make: Make,
    moment: Moment,
    sandbox: SandboxClient,
    is_a_day_late: bool,
) -> None:
    sandbox.top_up(100_00)
    missed = make.live_campaign(goal=1_000_00, days=20)
    for amount in (10_00, 20_00):
        make.pledge(missed, amount, card=AVAILABLE_AT_ONCE)
    reached = [make.live_campaign(goal=10_00, days=20) for _ in range(2)]
    for campaign in reached:
        make.pledge(campaign, 30_00, card=AVAILABLE_AT_ONCE)
    make.work()
    moment.advance(days=21)

    with doomed_worker(environ) as frozen:
        freeze(frozen)
        frozen_at = time.monotonic()
        finish(make)
        if is_a_day_late:
            time.sleep(max(frozen_at + LEASE.total_seconds() - time.monotonic(), 0))
            sandbox.advance(int(A_DAY.total_seconds()))  # Stripe forgets every key
        before = [key for path in PATHS for key in keys_of(sandbox, path)]
        frozen.thaw()
        time.sleep(ONE_CALL_SECONDS)

    after = [key for path in PATHS for key in keys_of(sandbox, path)]
    late = Counter(after) - Counter(before)
    assert set(late) <= set(before), "what is called late is called under the keys of before"
    assert not (is_a_day_late and late), "a lease that ended is looked at before each call"
    assert set(Counter(before).values()) <= {1, 2}
    check_given_back_once(sandbox, missed)
    for campaign in reached:
        ended(campaign, Outcome.SUCCEEDED)
    assert len(sandbox.every("/v1/transfers")) == len(reached)
    check_conserved(sandbox)


def test_a_worker_frozen_while_it_writes_is_cut_off_and_writes_again(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite's writer is on the same machine and is waited for")
    sandbox.top_up(100_00)
    missed = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(missed, 15_00)
    moment.advance(days=21)
    frozen: list[bool] = []

    @sa.event.listens_for(db.engine, "before_cursor_execute")
    def on_execute(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if not frozen and statement.startswith("UPDATE attempt") and "closed_at" in statement:
            frozen.append(True)
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '100ms'")
            time.sleep(SOON_CUT_OFF_SECONDS)

    make.work()

    assert frozen
    check_given_back_once(sandbox, missed)
    assert db.session.scalars(sa.select(Freeze.id)).all() == [], "nobody has to be called"
    check_conserved(sandbox)
