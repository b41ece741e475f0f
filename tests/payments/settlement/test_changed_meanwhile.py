"""F35: a backer cancels while the campaign closes and settles: before, or refused; never both."""

import random
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from campaigns.pledges.cancel import cancel_pledge
from campaigns.policy.pledges import CancelRefusedError
from campaigns.ports import bound_payments
from campaigns.settings import Rules
from octo.database import db
from octo.worker import run_due
from payments.accounting.check import check_ledger
from payments.gateway.runtime import payments_runtime
from stripe_sandbox.client import SandboxClient
from tests.faults.finishing import finish
from tests.make import Make
from tests.moment import Moment
from tests.visitor import refresh

pytestmark = [pytest.mark.fault("F35"), pytest.mark.both_engines]


def cancel(pledge_id: str) -> None:
    runtime = payments_runtime()
    cancel_pledge(
        pledge_id,
        clock=runtime.clock,
        payments=bound_payments(),
        rules=runtime.settings.of(Rules),
    )


def test_a_pledge_cannot_be_canceled_once_its_campaign_is_over(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=10_00, days=20)
    pledge = make.pledge(campaign, 15_00)
    moment.advance(days=20)

    with pytest.raises(CancelRefusedError):
        cancel(pledge.public_id)
    make.work()
    with pytest.raises(CancelRefusedError):
        cancel(pledge.public_id)
    moment.advance(days=10)
    make.work()

    assert sandbox.every("/v1/refunds") == []
    assert len(sandbox.every("/v1/transfers")) == 1


@pytest.mark.slow
def test_backers_who_cancel_at_the_very_deadline_are_before_it_or_refused(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    pledges = [make.pledge(campaign, 10_00 + n) for n in range(8)]
    assert campaign.deadline_at is not None
    moment.advance_to(campaign.deadline_at - timedelta(seconds=2))
    waits = random.Random(35)
    refused: list[str] = []
    pledge_ids = [pledge.public_id for pledge in pledges]
    together = threading.Barrier(len(pledges) + 1)

    def leave(pledge_id: str, after: float) -> None:
        with app.app_context():
            together.wait()
            time.sleep(after)
            try:
                cancel(pledge_id)
            except CancelRefusedError:
                refused.append(pledge_id)
            db.session.remove()

    threads = [
        threading.Thread(target=leave, args=(pledge_id, waits.uniform(0.5, 3.0)))
        for pledge_id in pledge_ids
    ]
    for thread in threads:
        thread.start()
    together.wait()
    while any(thread.is_alive() for thread in threads):
        run_due(app)
    moment.advance(hours=1)
    finish(make)

    refresh()
    seen = db.session.get_one(Campaign, campaign.id)
    assert (seen.status, seen.outcome) == (CampaignStatus.SETTLED, Outcome.FAILED)
    statuses = dict(db.session.execute(sa.select(Pledge.public_id, Pledge.status)).all())
    expected = {
        pledge_id: PledgeStatus.REFUNDED if pledge_id in refused else PledgeStatus.CANCELED
        for pledge_id in pledge_ids
    }
    assert statuses == expected
    per_charge = Counter(one["charge"] for one in sandbox.every("/v1/refunds"))
    assert per_charge == Counter(make.payment(pledge).stripe_charge_id for pledge in pledges)
    assert check_ledger(db.session()).faults == ()
