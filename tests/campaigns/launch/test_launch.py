"""Deadlines, extensions and cancellations: days are days of the calendar."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from zoneinfo import ZoneInfo

import pytest

from campaigns.deadline import transitions
from campaigns.launch.extend import extend_campaign, most_extra_days
from campaigns.models import Campaign, CampaignStatus, Outcome
from campaigns.policy.launch import CannotExtendError, last_evening
from campaigns.review import review
from campaigns.settings import Rules
from octo.accounts.models import RoleName
from octo.database import db, lock, transaction
from octo.errors import InvalidError
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.obligations import owner_of
from tests.visitor import Visitor

PARIS = "Europe/Paris"

pytestmark = pytest.mark.dates


def evening(launched: str, days: int, time_zone: str = PARIS) -> str:
    at = datetime.fromisoformat(launched)
    ends_at = last_evening(at, days=days, time_zone=time_zone, longest_days=60)
    return ends_at.astimezone(ZoneInfo(time_zone)).isoformat()


@pytest.mark.parametrize(
    ("launched", "days", "ends"),
    [
        ("2027-03-20T10:00:00+01:00", 8, "2027-03-28T23:59:59+02:00"),
        ("2027-03-27T23:30:00+01:00", 1, "2027-03-28T23:59:59+02:00"),
        ("2026-10-20T10:00:00+02:00", 10, "2026-10-30T23:59:59+01:00"),
        ("2027-10-30T02:30:00+02:00", 1, "2027-10-31T23:59:59+01:00"),
        ("2028-01-30T10:00:00+01:00", 30, "2028-02-29T23:59:59+01:00"),
        ("2026-11-24T23:30:00+00:00", 1, "2026-11-26T23:59:59+01:00"),
    ],
)
def test_a_campaign_ends_in_the_evening_of_its_last_day(
    launched: str, days: int, ends: str
) -> None:
    assert evening(launched, days) == ends


def test_the_longest_campaign_ends_within_its_limit() -> None:
    launched_at = datetime(2026, 11, 24, 10, tzinfo=UTC)

    ends_at = last_evening(launched_at, days=60, time_zone=PARIS, longest_days=60)

    assert ends_at <= launched_at + timedelta(days=60)
    assert evening(launched_at.isoformat(), 60) == "2027-01-22T23:59:59+01:00"


@pytest.mark.fault("F16")
def test_an_evening_that_a_place_skips_or_sees_twice_is_still_one_instant() -> None:
    # Beirut put its clocks back at midnight until 2006: 23:59:59 came twice.
    assert evening("2026-10-20T10:00:00+03:00", 4, "Asia/Beirut").startswith("2026-10-24T23:59:59")


def extend(campaign: Campaign, days: int, moment: Moment) -> Campaign:
    return extend_campaign(
        campaign.public_id,
        days=days,
        actor=owner_of(campaign),
        clock=moment.clock,
        rules=Rules(),
    )


def test_a_campaign_is_extended_once(make: Make, moment: Moment) -> None:
    campaign = make.live_campaign(days=30)
    before = campaign.deadline_at
    assert before is not None

    after = extend(campaign, 10, moment).deadline_at

    assert after is not None
    days = [at.astimezone(ZoneInfo(PARIS)).date() for at in (before, after)]
    assert days[1] - days[0] == timedelta(days=10)
    with pytest.raises(CannotExtendError):
        extend(campaign, 1, moment)


def test_an_extension_keeps_within_what_money_may_rest(make: Make, moment: Moment) -> None:
    campaign = make.live_campaign(days=60)
    most = most_extra_days(campaign, Rules())

    with pytest.raises(InvalidError):
        extend(campaign, most + 1, moment)

    extended = extend(campaign, most, moment)
    assert extended.deadline_at is not None
    assert extended.launched_at is not None
    assert extended.deadline_at - extended.launched_at <= timedelta(days=76)


def test_a_reached_goal_or_a_passed_deadline_is_not_extended(make: Make, moment: Moment) -> None:
    reached = make.live_campaign(goal=10_00)
    make.pledge(reached, 10_00)
    over = make.live_campaign(days=1)
    moment.advance(days=2)

    for campaign in (reached, over):
        with pytest.raises(CannotExtendError):
            extend(campaign, 5, moment)


def test_the_owner_cancels_and_every_backer_is_refunded(client: Visitor, make: Make) -> None:
    campaign = make.live_campaign(goal=100_00)
    make.pledge(campaign, 40_00, tip=1_00)
    client.sign_in(owner_of(campaign).email, PASSWORD)
    at = f"/owner/campaigns/{campaign.public_id}"

    without_reason = client.submit(at, {"reason": ""}, form="/cancel")
    client.submit(at, {"reason": "Le local est perdu."}, form="/cancel")
    make.work()

    assert without_reason.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    again = db.session.get_one(Campaign, campaign.id)
    assert again.outcome is Outcome.CANCELED
    refunded = [refund["amount"] for refund in make.moment.sandbox.every("/v1/refunds")]
    assert refunded == [41_00]


def test_a_campaign_still_suspended_at_its_deadline_is_canceled(make: Make, moment: Moment) -> None:
    campaign = make.live_campaign(goal=10_00, days=3)
    make.pledge(campaign, 10_00)
    moderator = make.user(roles=(RoleName.MODERATOR,))
    review.suspend_campaign(
        campaign.public_id, reason="À vérifier.", actor=moderator, clock=moment.clock
    )
    moment.advance(days=4)

    make.work()

    assert db.session.get_one(Campaign, campaign.id).outcome is Outcome.CANCELED


def test_closing_waits_for_the_deadline_and_happens_once(make: Make, moment: Moment) -> None:
    campaign = make.live_campaign(days=3)

    with transaction() as session:
        early = transitions.begin_closing(
            session, lock(session, Campaign, id=campaign.id), at=moment.now()
        )
    moment.advance(days=4)
    with transaction() as session:
        again = lock(session, Campaign, id=campaign.id)
        answers = [transitions.begin_closing(session, again, at=moment.now()) for _ in range(2)]

    assert (early, answers) == (False, [True, False])
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.CLOSING
