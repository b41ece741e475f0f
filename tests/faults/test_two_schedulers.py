"""F14: several schedulers tick in the same second: one settles, the others find nothing to do."""

import contextlib
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Outcome
from octo.database import db, reading
from octo.health.heartbeat import list_workers
from payments.models import Settlement
from stripe_sandbox.client import SandboxClient
from tests.doomed import doomed_worker
from tests.faults.judging import asked, check_conserved, check_given_back_once, ended, is_over
from tests.make import Make
from tests.moment import Moment
from tests.obligations import AVAILABLE_AT_ONCE
from tests.processes import wait_until

BACKERS: Final = 4
SCHEDULERS: Final = {"sqlite": 2, "postgresql": 4}

pytestmark = [pytest.mark.fault("F14"), pytest.mark.both_engines]


def beating() -> int:
    with reading() as session:
        return len(list_workers(session))


@pytest.mark.slow
def test_schedulers_that_tick_together_settle_once(
    app: Flask, environ: dict[str, str], make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    schedulers = SCHEDULERS[db.engine.dialect.name]
    sandbox.top_up(100_00)
    missed = make.live_campaign(goal=1_000_00, days=20)
    reached = make.live_campaign(goal=10_00, days=20)
    for campaign in (missed, reached):
        for _ in range(BACKERS):
            make.pledge(campaign, 15_00, card=AVAILABLE_AT_ONCE)

    with contextlib.ExitStack() as stack:
        for _ in range(schedulers):
            stack.enter_context(doomed_worker(environ))
        wait_until(lambda: beating() == schedulers)
        moment.advance(days=21)
        wait_until(lambda: is_over(missed, reached))

    check_given_back_once(sandbox, missed)
    ended(reached, Outcome.SUCCEEDED)
    assert db.session.scalars(sa.select(Settlement.campaign_id)).all() == [reached.id]
    assert asked(sandbox, "/v1/refunds") == BACKERS
    assert asked(sandbox, "/v1/transfers") == 1
    check_conserved(sandbox)
