"""An owner who became ready, or no longer is, is found although no webhook ever comes."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus
from octo.database import db, transaction
from payments.gateway.runtime import payments_runtime
from payments.models import Attempt, ConnectedAccount, OwnerReadiness
from payments.owners import onboarding
from stripe_sandbox.client import SandboxClient
from tests.campaigns.pledges.test_receipt_states import visitor
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.obligations import AVAILABLE_AT_ONCE, again, owner_of, transfers
from tests.visitor import refresh

pytestmark = pytest.mark.fault("F39")

ASKED: tuple[str, str] = ("GET", "/v2/core/accounts")


def begin(make: Make, campaign: Campaign) -> str:
    """Begin an owner's registration, and leave Stripe's page open."""
    runtime = payments_runtime()
    onboarding.begin_onboarding(
        campaign.organisation_id,
        return_url="http://localhost/",
        refresh_url="http://localhost/",
        gateway=runtime.gateway,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    return make.stripe_account(campaign.organisation)


def let_minutes_pass() -> None:
    """Have every account be asked about, and every call be answered, minutes ago."""
    refresh()
    with transaction() as session:
        for attempt in session.scalars(sa.select(Attempt).where(Attempt.closed_at.is_not(None))):
            assert attempt.closed_at is not None
            attempt.closed_at -= timedelta(minutes=6)
        for account in session.scalars(sa.select(ConnectedAccount)):
            if account.checked_at is not None:
                account.checked_at -= timedelta(minutes=5)


def readiness(campaign: Campaign) -> OwnerReadiness:
    refresh()
    return db.session.scalars(
        sa.select(ConnectedAccount.readiness).filter_by(organisation_id=campaign.organisation_id)
    ).one()


def times_asked(sandbox: SandboxClient) -> int:
    return sum(
        one["method"] == "GET" and one["path"].startswith(ASKED[1]) for one in sandbox.requests()
    )


def test_an_owner_who_became_ready_launches_within_minutes(
    make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.gathering_campaign()
    with transaction() as session:
        session.get_one(Campaign, campaign.id).supporters_count = 3
    sandbox.onboard(begin(make, campaign))
    assert readiness(campaign) is not OwnerReadiness.ACTIVE

    let_minutes_pass()
    make.work()

    assert readiness(campaign) is OwnerReadiness.ACTIVE
    owner = visitor(make)
    owner.sign_in(owner_of(campaign).email, PASSWORD)
    owner.submit(f"/owner/campaigns/{campaign.public_id}", form="/launch")
    assert again(campaign).status is CampaignStatus.LIVE


def test_an_owner_who_was_restricted_and_is_ready_again_is_paid(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=20_00, days=20, is_ready=False)
    make.onboard(campaign.organisation)
    account_id = make.stripe_account(campaign.organisation)
    make.pledge(campaign, 30_00, card=AVAILABLE_AT_ONCE)
    sandbox.restrict(account_id)
    moment.advance(days=21)
    let_minutes_pass()
    make.work()
    assert readiness(campaign) is OwnerReadiness.RESTRICTED
    assert [state for state, _ in transfers(campaign)] != ["succeeded"]

    sandbox.onboard(account_id)
    let_minutes_pass()
    make.work()

    assert readiness(campaign) is OwnerReadiness.ACTIVE
    assert [state for state, _ in transfers(campaign)] == ["succeeded"]


def test_nobody_is_asked_about_whom_no_campaign_waits_for(
    make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.gathering_campaign()
    begin(make, campaign)
    let_minutes_pass()
    make.work()
    asked = times_asked(sandbox)

    make.work()
    assert times_asked(sandbox) == asked, "asked a moment ago"
    with transaction() as session:
        session.get_one(Campaign, campaign.id).status = CampaignStatus.REJECTED
    let_minutes_pass()
    make.work()
    assert times_asked(sandbox) == asked, "nothing waits"
