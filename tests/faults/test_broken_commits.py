"""F19: the road to PostgreSQL breaks at a COMMIT, or it refuses: the whole unit again, once.

Whether a commit whose answer was lost has happened is known by what it would have written: an
attempt that is closed, a request key that is taken. The unit is done again and finds it.
"""

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest
import sqlalchemy as sa
from psycopg import errors
from sqlalchemy.exc import OperationalError

from campaigns.models import Campaign, Outcome, Pledge
from octo.database import db, reading, transaction
from payments.models import Attempt, AttemptKind, Payment
from stripe_sandbox.client import SandboxClient
from tests.faults.finishing import agreed_pledge, finish, let_pauses_pass
from tests.faults.judging import asked, check_conserved, check_given_back_once, ended, keys_of
from tests.make import Make
from tests.moment import Moment
from tests.obligations import AVAILABLE_AT_ONCE
from tests.processes import wait_until
from tests.proxy import Fate, Proxy, proxy_to
from tests.seeds import draw_seed
from tests.visitor import Visitor, refresh

BROKEN: Final = (Fate.NEVER_ARRIVES, Fate.ANSWER_LOST)
BREAKS: Final = 12
SHARE: Final = 0.3
SAMPLE: Final = 3
MOST_COMMITS: Final = 1000
PATIENCE_SECONDS: Final = 120

pytestmark = [pytest.mark.fault("F19"), pytest.mark.both_engines]


@pytest.fixture
def road(database: str) -> Iterator[Proxy]:
    if database.startswith("sqlite"):
        pytest.skip("there is no road to SQLite")
    with proxy_to(database) as proxy:
        yield proxy


@pytest.fixture
def environ(environ: dict[str, str], road: Proxy) -> dict[str, str]:
    return {**environ, "DATABASE_URL": road.url}


@contextmanager
def broken(road: Proxy, fate: Callable[[], Fate]) -> Iterator[None]:
    road.on_commit = fate
    yield
    road.on_commit = lambda: Fate.PASSES


def work_on(make: Make, road: Proxy, fate: Callable[[], Fate]) -> None:
    """Work over a road that breaks, as a worker does: what failed is tried at the next tick."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            with broken(road, fate):
                waiting = make.work().waiting
        except OperationalError:
            refresh()
            continue
        finally:
            road.on_commit = lambda: Fate.PASSES
        if not waiting:
            return
        let_pauses_pass(make)
    raise AssertionError("something never came to its end")


def test_a_settlement_whose_commits_break_moves_each_amount_once(
    road: Proxy, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    missed = make.live_campaign(goal=1_000_00, days=20)
    reached = make.live_campaign(goal=10_00, days=20)
    for campaign in (missed, reached):
        for _ in range(2):
            make.pledge(campaign, 15_00, card=AVAILABLE_AT_ONCE)
    moment.advance(days=21)
    chances = random.Random(draw_seed())
    breaks: list[Fate] = []

    def fate() -> Fate:
        if len(breaks) < BREAKS and chances.random() < SHARE:
            breaks.append(chances.choice(BROKEN))
            return breaks[-1]
        return Fate.PASSES

    work_on(make, road, fate)

    assert set(breaks) == set(BROKEN)
    check_given_back_once(sandbox, missed)
    ended(reached, Outcome.SUCCEEDED)
    for path, count in (("/v1/refunds", 2), ("/v1/transfers", 1)):
        assert len(set(keys_of(sandbox, path))) == count
    check_conserved(sandbox)


@pytest.mark.parametrize(
    "is_whole", [False, pytest.param(True, id="every commit", marks=pytest.mark.chaos)]
)
def test_the_answer_of_any_commit_may_be_lost(
    road: Proxy, make: Make, moment: Moment, sandbox: SandboxClient, *, is_whole: bool
) -> None:
    sandbox.top_up(100_00)
    counted = settle_with_break(road, make, moment, sandbox, at=MOST_COMMITS)
    assert counted < MOST_COMMITS
    every = range(1, counted + 1)
    chosen = every if is_whole else random.Random(draw_seed()).sample(every, SAMPLE)
    sys.stdout.write(f"of {counted} commits lost the answer of: {sorted(chosen)}\n")

    for number in chosen:
        settle_with_break(road, make, moment, sandbox, at=number)

    assert len(sandbox.every("/v1/refunds")) == 1 + len(chosen)
    check_conserved(sandbox)


def lost_at(number: int) -> Callable[[], Fate]:
    """Lose the answer of the so many-eth commit from now on."""
    commits = iter(range(1, MOST_COMMITS))
    return lambda: Fate.ANSWER_LOST if next(commits, None) == number else Fate.PASSES


def settle_with_break(
    road: Proxy, make: Make, moment: Moment, sandbox: SandboxClient, *, at: int
) -> int:
    """Settle one more campaign, losing the answer of its so many-eth commit; count its commits."""
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(campaign, 15_00)
    moment.advance(days=21)
    before = road.commits

    work_on(make, road, lost_at(at))

    commits = road.commits - before
    check_given_back_once(sandbox, campaign)
    return commits


def test_a_pledge_whose_commit_has_no_answer_is_made_once(
    road: Proxy, make: Make, sandbox: SandboxClient, client: Visitor
) -> None:
    campaign = make.live_campaign()
    request = agreed_pledge(client, campaign, amount="37,50")
    seen: list[int] = []

    for at in range(1, MOST_COMMITS):
        with broken(road, lost_at(at)):
            seen.append(client.post(**request).status_code)
        finish(make)
        if seen[-1] != 503:
            break

    assert len(seen) > 1
    assert seen[-1] == 303
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Pledge)) == 1
    assert len(sandbox.every("/v1/checkout/sessions")) == 1
    check_conserved(sandbox)


class Rival:
    """Somebody else's transaction that holds a campaign, and wants what the worker holds."""

    def __init__(self, database: str, campaign: Campaign) -> None:
        self._engine = sa.create_engine(database)
        self._connection = self._engine.connect()
        self._campaign_id = campaign.id
        self._connection.execute(sa.text("SET deadlock_timeout = '1h'"))  # it is not the one cut
        self._connection.execute(
            sa.update(Campaign).where(Campaign.id == campaign.id).values(summary="Another line.")
        )

    def wait_for_somebody(self) -> None:
        """Wait until another transaction waits for this one."""
        blocked = sa.text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        wait_until(lambda: self._connection.scalar(blocked))

    def lock_a_circle(self) -> None:
        """Want the payment that the worker has locked before it came here."""
        wanted = sa.select(Payment.id).where(Payment.campaign_id == self._campaign_id)
        self._connection.execute(wanted.with_for_update())

    def go(self) -> None:
        self._connection.commit()
        self._connection.close()
        self._engine.dispose()


ISOLATION: Final[dict[type[Exception], str]] = {
    errors.DeadlockDetected: "read committed",
    errors.SerializationFailure: "repeatable read",
}


@pytest.mark.parametrize("trouble", ISOLATION, ids=lambda trouble: trouble.__name__)
def test_a_group_that_the_database_refuses_is_written_again_whole(
    database: str,
    make: Make,
    moment: Moment,
    sandbox: SandboxClient,
    trouble: type[Exception],
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    for _ in range(2):
        make.pledge(campaign, 15_00)
    moment.advance(days=21)
    look_for_circles_late()

    @sa.event.listens_for(db.engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {ISOLATION[trouble]}")

    seen: list[type[BaseException]] = []

    @sa.event.listens_for(db.engine, "handle_error")
    def on_error(context: sa.engine.ExceptionContext) -> None:
        seen.append(type(context.original_exception))

    sandbox.fault(method="POST", path="/v1/refunds", action="latency", milliseconds=1000, times=0)
    working = threading.Thread(target=lambda: work_alone(make))
    working.start()
    wait_until(lambda: refunds_sent() == 2)
    rival = Rival(database, campaign)
    rival.wait_for_somebody()
    if trouble is errors.DeadlockDetected:
        rival.lock_a_circle()
    rival.go()
    working.join()
    sandbox.clear_faults()
    finish(make)

    assert trouble in seen
    assert asked(sandbox, "/v1/refunds") == 2, "what was written again was not asked again"
    check_given_back_once(sandbox, campaign)
    check_conserved(sandbox)


def look_for_circles_late() -> None:
    """Have a deadlock looked for once it is there: PostgreSQL looks once for each wait."""
    with transaction() as session:
        name = db.engine.url.database
        session.execute(sa.text(f"ALTER DATABASE {name} SET deadlock_timeout = '3s'"))
    db.engine.dispose()


def work_alone(make: Make) -> None:
    with make.app.app_context():
        make.work()
        db.session.remove()


def refunds_sent() -> int:
    sent = sa.select(sa.func.count()).where(
        Attempt.kind == AttemptKind.REFUND_CREATE, Attempt.sent_at.is_not(None)
    )
    with reading() as session:
        return session.scalar(sent) or 0
