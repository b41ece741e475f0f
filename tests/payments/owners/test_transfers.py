"""What stands between a settlement document and the owner's money."""

from datetime import timedelta

import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus
from octo.database import db, transaction
from payments.models import Attempt, AttemptKind, ConnectedAccount
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment


def transfers_asked_for() -> int:
    asked = sa.select(sa.func.count()).where(Attempt.kind == AttemptKind.TRANSFER_CREATE)
    return db.session.scalar(asked) or 0


def test_a_refused_transfer_is_not_asked_for_again_at_once(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=10_00, days=20)
    make.pledge(campaign, 10_00)
    sandbox.restrict(make.stripe_account(campaign.organisation))
    moment.advance(days=40)

    for _ in range(3):
        make.work()

    assert transfers_asked_for() == 1
    assert sandbox.every("/v1/transfers") == []
    sandbox.onboard(make.stripe_account(campaign.organisation))
    with transaction() as session:
        for attempt in session.scalars(sa.select(Attempt)):
            if attempt.closed_at is not None:
                attempt.closed_at -= timedelta(minutes=6)

    make.work()

    assert len(sandbox.every("/v1/transfers")) == 1
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED


def test_an_owner_who_finished_with_stripe_unannounced_is_paid(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(goal=10_00, days=20)
    make.pledge(campaign, 10_00)
    with transaction() as session:
        account = session.scalars(sa.select(ConnectedAccount)).one()
        account.readiness = type(account.readiness).RESTRICTED
        assert account.checked_at is not None
        account.checked_at -= timedelta(minutes=16)
    moment.advance(days=40)

    make.work()

    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED
