"""F18: PostgreSQL's primary is killed in a settlement, and its standby takes over.

The site names both in ``DATABASE_URL`` and finds by itself which takes writes. A synchronous
standby has all that was answered; one that lags is a backup behind Stripe.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Outcome
from octo.database import db, reading
from payments.models import Attempt, AttemptKind, AttemptStatus, BooksState, Reconciliation
from stripe_sandbox.client import SandboxClient
from tests.databases import chosen_engines
from tests.doomed import doomed_worker
from tests.faults.finishing import command, finish
from tests.faults.judging import (
    asked,
    check_conserved,
    check_given_back_once,
    ended,
    is_over,
    keys_of,
)
from tests.make import Make
from tests.moment import Moment
from tests.obligations import AVAILABLE_AT_ONCE
from tests.processes import wait_until
from tests.site import migrate_with
from tests.standby import Pair, primary_and_standby
from tests.visitor import Visitor, refresh

MONEY: Final = ("/v1/refunds", "/v1/transfers")
COMPARED: Final = "/v1/balance_transactions"
PLEDGES: Final = 6
SLOWLY: Final = 3
QUIET_SECONDS: Final = 2.0

pytestmark = [pytest.mark.slow, pytest.mark.fault("F18"), pytest.mark.both_engines]


@pytest.fixture
def pair() -> Iterator[Pair]:
    if "postgresql" not in chosen_engines():
        pytest.skip("SQLite has no standby")
    with primary_and_standby() as servers:
        yield servers


@pytest.fixture
def database(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the URL of both servers, migrated."""
    migrate_with(tmp_path_factory.mktemp("instance"))(pair.url)
    return pair.url


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Have Stripe allow so little that a settlement lasts for seconds."""
    return {**environ, "STRIPE_RATE": str(SLOWLY), "STRIPE_RATE_ENDPOINT": str(SLOWLY)}


def done_refunds() -> int:
    counted = sa.select(sa.func.count()).where(
        Attempt.kind == AttemptKind.REFUND_CREATE, Attempt.status == AttemptStatus.DONE
    )
    with reading() as session:
        return session.scalar(counted) or 0


def holds(condition: Callable[[], bool]) -> bool:
    """Ask a database that may have moved: the first to ask meets a connection that is gone."""
    try:
        return condition()
    except sa.exc.OperationalError:
        refresh()
        return False


def calls_since(sandbox: SandboxClient, number: int) -> list[str]:
    return [one["path"] for one in sandbox.requests(after=number)]


def test_with_a_synchronous_standby_nothing_is_lost_and_the_settlement_goes_on(
    pair: Pair,
    environ: dict[str, str],
    make: Make,
    moment: Moment,
    client: Visitor,
) -> None:
    sandbox = moment.sandbox
    pair.wait_for_the_standby()
    sandbox.top_up(100_00)
    missed = make.live_campaign(goal=1_000_00, days=20)
    reached = make.live_campaign(goal=10_00, days=20)
    for place in range(PLEDGES):
        make.pledge(missed, 10_00 + place)
    make.pledge(reached, 30_00, card=AVAILABLE_AT_ONCE)
    make.work()
    moment.advance(days=21)

    with doomed_worker(environ):
        wait_until(done_refunds)
        pair.kill_primary()
        away = client.get("/campaigns")
        time.sleep(QUIET_SECONDS)  # what had been claimed and kept by both may still leave
        number = sandbox.requests()[-1]["number"]
        before = asked(sandbox, "/v1/refunds")
        pair.promote()
        wait_until(lambda: holds(lambda: is_over(missed, reached)))

    assert (away.status_code, "Retry-After" in away.headers) == (503, True)
    assert before < PLEDGES, "the settlement was over before the primary died"
    later = calls_since(sandbox, number)
    assert COMPARED in later[: later.index("/v1/refunds")], "money moved before the comparison"
    check_given_back_once(sandbox, missed)
    ended(reached, Outcome.SUCCEEDED)
    assert len(set(keys_of(sandbox, "/v1/refunds"))) == PLEDGES
    check_conserved(sandbox)


def test_a_standby_that_lagged_moves_no_money_before_what_it_lacks_is_confirmed(
    pair: Pair, app: Flask, environ: dict[str, str], make: Make, moment: Moment
) -> None:
    sandbox = moment.sandbox
    sandbox.top_up(100_00)
    missed = make.live_campaign(goal=1_000_00, days=20)
    for place in range(PLEDGES):
        make.pledge(missed, 10_00 + place)
    make.work()
    moment.advance(days=21)
    pair.part()  # what follows, from the verdict on, it will not know

    with doomed_worker(environ):
        wait_until(lambda: asked(sandbox, "/v1/refunds") > 1)
        pair.kill_primary()
        time.sleep(QUIET_SECONDS)
        moved = [key for path in MONEY for key in keys_of(sandbox, path)]
        pair.promote()
        wait_until(lambda: holds(lambda: standing() is BooksState.BEHIND_STRIPE))
        time.sleep(QUIET_SECONDS)
        assert [key for path in MONEY for key in keys_of(sandbox, path)] == moved
        assert db.session.get_one(Campaign, missed.id).status is CampaignStatus.LIVE

    code, report = command(app, "reconcile")
    assert code == 1
    assert {one["kind"] for one in report["differences"]} == {"forgotten"}
    code, report = command(app, "reconcile", "--import", "--yes")
    assert (code, report["differences"], report["not_imported"]) == (0, [], {})
    finish(make)

    check_given_back_once(sandbox, missed)
    check_conserved(sandbox)


def standing() -> BooksState | None:
    with reading() as session:
        return session.scalar(sa.select(Reconciliation.state))
