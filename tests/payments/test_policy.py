"""The rules of what moves money, as tables: what is known, and what is said of it."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.models import CampaignStatus, Collection, Outcome, PledgeStatus
from octo.errors import OctoError
from payments import policy
from payments.models import Block, DisputeStage, RefundReason

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
R = RefundReason


@pytest.mark.parametrize(
    ("collection", "charged", "is_awaited", "is_paid", "reason"),
    [
        (Collection.ON_PLEDGE, -timedelta(seconds=1), False, False, None),
        (Collection.ON_PLEDGE, timedelta(0), False, False, R.TOO_LATE),
        (Collection.ON_PLEDGE, -HOUR, False, True, R.PAID_TWICE),
        (Collection.ON_SUCCESS, 5 * DAY, True, False, None),
        (Collection.ON_SUCCESS, -HOUR, False, False, R.TOO_LATE),
        (Collection.ON_SUCCESS, HOUR, True, True, R.PAID_TWICE),
    ],
)
def test_a_charge_counts_in_time_and_once(
    *,
    collection: Collection,
    charged: timedelta,
    is_awaited: bool,
    is_paid: bool,
    reason: RefundReason | None,
) -> None:
    found = policy.reason_not_counted(
        collection=collection,
        charged_at=NOW + charged,
        deadline_at=NOW,
        is_awaited=is_awaited,
        is_paid=is_paid,
    )
    assert found is reason


@pytest.mark.parametrize(
    ("amount", "is_late", "split"),
    [
        (10_00, False, policy.Split(10_00, 0)),
        (31_00, False, policy.Split(30_00, 1_00)),
        (32_00, False, policy.Split(30_00, 2_00)),
        (32_00, True, policy.Split(0, 0, 32_00)),
    ],
)
def test_a_refund_takes_the_tip_last_and_of_late_money_nothing_of_the_campaign(
    amount: int, is_late: bool, split: policy.Split
) -> None:
    found = policy.split_refund(amount=amount, funds_left=30_00, tip_left=2_00, is_late=is_late)
    assert found == split


@pytest.mark.parametrize(
    ("amount", "is_contested", "refused"),
    [
        (32_00, False, None),
        (1, False, None),
        (0, False, policy.RefundTooLargeError),
        (32_01, False, policy.RefundTooLargeError),
        (10_00, True, policy.ContestedError),
    ],
)
def test_what_is_left_and_not_contested_can_be_given_back(
    amount: int, is_contested: bool, refused: type[OctoError] | None
) -> None:
    if refused is None:
        policy.check_refundable(amount, left=32_00, is_contested=is_contested)
        return
    with pytest.raises(refused):
        policy.check_refundable(amount, left=32_00, is_contested=is_contested)


@pytest.mark.parametrize(
    ("outcome", "was_settled", "reason"),
    [
        (Outcome.FAILED, False, R.GOAL_MISSED),
        (Outcome.FAILED, True, R.OWNER_NOT_PAID),
        (Outcome.CANCELED, False, R.CAMPAIGN_CANCELED),
    ],
)
def test_a_campaign_says_why_it_gives_back(
    outcome: Outcome, was_settled: bool, reason: RefundReason
) -> None:
    assert policy.reason_given_back(outcome=outcome, was_settled=was_settled) is reason


@pytest.mark.parametrize(
    ("is_late", "status", "reason"),
    [
        (True, PledgeStatus.ACTIVE, R.TOO_LATE),
        (False, PledgeStatus.CANCELED, R.BACKER_CANCELED),
        (False, PledgeStatus.EXPIRED, R.SOLD_OUT),
        (False, PledgeStatus.ACTIVE, None),
        (False, PledgeStatus.COLLECTED, None),
    ],
)
def test_what_a_bank_has_judged_goes_back_unless_its_pledge_stands(
    is_late: bool, status: PledgeStatus, reason: RefundReason | None
) -> None:
    assert policy.reason_after_dispute(is_late=is_late, pledge_status=status) is reason


@pytest.mark.parametrize(
    ("outcome", "is_owner_paid", "stage"),
    [
        (None, False, DisputeStage.BEFORE_VERDICT),
        (Outcome.FAILED, False, DisputeStage.AFTER_FAILURE),
        (Outcome.CANCELED, False, DisputeStage.AFTER_FAILURE),
        (Outcome.SUCCEEDED, False, DisputeStage.BEFORE_TRANSFER),
        (Outcome.SUCCEEDED, True, DisputeStage.AFTER_TRANSFER),
    ],
)
def test_a_dispute_falls_into_a_stage(
    outcome: Outcome | None, is_owner_paid: bool, stage: DisputeStage
) -> None:
    assert policy.stage_of_dispute(outcome, is_owner_paid=is_owner_paid) is stage


@pytest.mark.parametrize(
    ("is_owner_ready", "available", "is_covered", "obstacle"),
    [
        (False, -HOUR, True, (Block.OWNER, None)),
        (True, HOUR, True, (Block.FUNDS, NOW + HOUR)),
        (True, -HOUR, False, (Block.BALANCE, None)),
        (True, -HOUR, True, None),
        (True, None, True, None),
    ],
)
def test_a_transfer_waits_for_its_owner_then_the_funds_then_the_balance(
    is_owner_ready: bool,
    available: timedelta | None,
    is_covered: bool,
    obstacle: tuple[Block, datetime | None] | None,
) -> None:
    found = policy.obstacle_to_transfer(
        is_owner_ready=is_owner_ready,
        available_at=None if available is None else NOW + available,
        at=NOW,
        is_covered=lambda: is_covered,
    )
    assert found == obstacle


@pytest.mark.parametrize(
    ("pledge", "campaign", "left", "is_open"),
    [
        (PledgeStatus.ACTIVE, CampaignStatus.COLLECTING, HOUR, True),
        (PledgeStatus.ACTIVE, CampaignStatus.COLLECTING, 0 * HOUR, False),
        (PledgeStatus.ACTIVE, CampaignStatus.COLLECTING, None, False),
        (PledgeStatus.REFUNDED, CampaignStatus.COLLECTING, HOUR, False),
        (PledgeStatus.ACTIVE, CampaignStatus.SETTLING, HOUR, False),
    ],
)
def test_a_declined_card_is_made_good_while_its_campaign_collects(
    pledge: PledgeStatus, campaign: CampaignStatus, left: timedelta | None, is_open: bool
) -> None:
    ends_at = None if left is None else NOW + left
    assert policy.is_repair_open(pledge, campaign, ends_at=ends_at, at=NOW) is is_open


@pytest.mark.parametrize(("days", "due"), [(0, 0), (2.9, 0), (3, 1), (5.9, 1), (6, 2), (7, 0)])
def test_a_repair_has_two_reminders_and_none_too_late(days: float, due: int) -> None:
    at = NOW + timedelta(days=days)
    found = policy.repair_reminders_due(began_at=NOW, ends_at=NOW + 7 * DAY, at=at)
    assert found == due


@pytest.mark.parametrize(
    ("ago", "is_due"), [(None, True), (6 * DAY, False), (7 * DAY, True), (8 * DAY, True)]
)
def test_an_owner_who_cannot_be_paid_is_asked_at_once_and_weekly(
    ago: timedelta | None, is_due: bool
) -> None:
    reminded_at = None if ago is None else NOW - ago
    assert policy.is_owner_reminder_due(reminded_at, at=NOW) is is_due


@pytest.mark.parametrize(
    ("minutes", "is_stale"), [(None, True), (0, False), (15, False), (16, True)]
)
def test_an_owner_is_asked_about_again_after_a_quarter_of_an_hour(
    minutes: int | None, is_stale: bool
) -> None:
    checked_at = None if minutes is None else NOW - timedelta(minutes=minutes)
    assert policy.is_readiness_stale(checked_at, at=NOW) is is_stale


def test_a_refused_transfer_pauses_for_five_minutes() -> None:
    assert policy.paused_until(None) is None
    assert policy.paused_until(NOW) == NOW + timedelta(minutes=5)


def test_the_last_day_is_eighty_five_days_after_the_first_charge() -> None:
    last = policy.LastDay.after(NOW)
    assert (last.offered_at, last.decide_by) == (NOW + 71 * DAY, NOW + 85 * DAY)
