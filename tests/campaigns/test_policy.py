"""The rules of a campaign's life, as tables: what is known, and what is said of it."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.models import CampaignStatus, Collection, Outcome, PledgeStatus
from campaigns.policy import counting, drafts, launch, pledges, review, supporters
from octo.errors import ConflictError, InvalidError, OctoError

S = CampaignStatus
NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
COMPLETE = review.Submission(
    summary="A boat for all.",
    story="s" * 200,
    place="Brest",
    cover="boat.webp",
    cover_description="The boat.",
    cost_amounts=(60_00, 40_00),
    goal_amount=100_00,
)


def refusal_of(rule: object, *args: object, **values: object) -> type[OctoError] | None:
    """Return what a rule raises on these values, or nothing when it lets them pass."""
    assert callable(rule)
    try:
        rule(*args, **values)
    except OctoError as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("pledged", "refunded", "withdrawn", "counts"),
    [
        (0, 0, 0, 0),
        (55_00, 0, 0, 55_00),
        (30_00, 15_00, 0, 15_00),
        (55_00, 0, 30_00, 25_00),
        (55_00, 20_00, 30_00, 5_00),
        (30_00, 30_00, 0, 0),
    ],
)
def test_what_counts_is_pledged_less_refunded_less_withdrawn(
    pledged: int, refunded: int, withdrawn: int, counts: int
) -> None:
    found = counting.what_counts(pledged=pledged, refunded=refunded, withdrawn=withdrawn)
    assert found == counts


@pytest.mark.parametrize(
    ("status", "outcome", "is_still_counted"),
    [
        (S.LIVE, None, True),
        (S.SUSPENDED, None, True),
        (S.CLOSING, None, True),
        (S.COLLECTING, Outcome.SUCCEEDED, True),
        (S.SETTLING, Outcome.SUCCEEDED, False),
        (S.SETTLING, Outcome.FAILED, False),
        (S.SETTLED, Outcome.CANCELED, False),
    ],
)
def test_what_counts_stands_from_the_last_verdict_on(
    status: CampaignStatus, outcome: Outcome | None, is_still_counted: bool
) -> None:
    assert counting.is_still_counted(status, outcome) is is_still_counted


@pytest.mark.parametrize(
    ("status", "left", "is_taken"),
    [
        (S.LIVE, HOUR, True),
        (S.LIVE, 0 * HOUR, False),
        (S.LIVE, -HOUR, False),
        (S.SUSPENDED, HOUR, False),
        (S.CLOSING, HOUR, False),
        (S.GATHERING, None, False),
    ],
)
def test_pledges_are_taken_while_live_and_before_the_deadline(
    status: CampaignStatus, left: timedelta | None, is_taken: bool
) -> None:
    deadline_at = None if left is None else NOW + left

    assert pledges.takes_pledges(status, deadline_at=deadline_at, at=NOW) is is_taken
    refused = refusal_of(pledges.check_takes_pledges, status, deadline_at=deadline_at, at=NOW)
    assert refused is (None if is_taken else pledges.CampaignNotOpenError)


@pytest.mark.parametrize(
    ("tip", "shipping", "most"),
    [(0, 0, 999_999_99), (1_00, 5_00, 999_993_99), (999_999_99, 0, 1_00)],
)
def test_the_largest_pledge_leaves_room_for_tip_and_shipping(
    tip: int, shipping: int, most: int
) -> None:
    assert pledges.most_pledge(tip=tip, shipping=shipping) == most


@pytest.mark.parametrize(("amount", "is_enough"), [(9_99, False), (10_00, True), (10_01, True)])
def test_a_reward_asks_for_its_minimum(amount: int, is_enough: bool) -> None:
    refused = refusal_of(pledges.check_reward_minimum, amount, minimum=10_00, currency="EUR")
    assert refused is (None if is_enough else pledges.BelowRewardMinimumError)


def test_an_unpaid_pledge_is_given_up_after_the_page_and_a_while() -> None:
    assert pledges.abandoned_at(NOW, checkout_minutes=30) == NOW + timedelta(minutes=40)


@pytest.mark.parametrize(
    ("collection", "status", "outcome", "counts"),
    [
        (Collection.ON_PLEDGE, S.LIVE, None, True),
        (Collection.ON_PLEDGE, S.SUSPENDED, None, True),
        (Collection.ON_PLEDGE, S.CLOSING, None, True),
        (Collection.ON_SUCCESS, S.LIVE, None, True),
        (Collection.ON_SUCCESS, S.CLOSING, None, False),
        (Collection.ON_SUCCESS, S.COLLECTING, Outcome.SUCCEEDED, False),
        (Collection.ON_PLEDGE, S.SETTLING, Outcome.FAILED, False),
    ],
)
def test_what_comes_in_counts_until_closing_begins_or_the_verdict_falls(
    collection: Collection, status: CampaignStatus, outcome: Outcome | None, counts: bool
) -> None:
    assert pledges.may_become_active(collection, status, outcome) is counts


@pytest.mark.parametrize(
    ("status", "left", "is_active", "is_needed", "is_allowed"),
    [
        (S.LIVE, 2 * DAY, True, True, True),
        (S.LIVE, DAY + HOUR, True, True, True),
        (S.LIVE, DAY, True, True, False),
        (S.LIVE, HOUR, True, True, False),
        (S.LIVE, HOUR, True, False, True),
        (S.LIVE, HOUR, False, True, True),
        (S.SUSPENDED, HOUR, True, False, True),
        (S.LIVE, 0 * HOUR, True, False, False),
        (S.CLOSING, HOUR, True, False, False),
        (S.SETTLED, -DAY, True, False, False),
    ],
)
def test_a_backer_cancels_until_the_deadline_but_sinks_no_goal_in_the_last_hours(
    status: CampaignStatus,
    left: timedelta,
    is_active: bool,
    is_needed: bool,
    is_allowed: bool,
) -> None:
    refused = refusal_of(
        pledges.check_can_cancel,
        status=status,
        deadline_at=NOW + left,
        is_active=is_active,
        is_needed=is_needed,
        is_with_bank=False,
        at=NOW,
        locked_hours=24,
    )
    assert refused is (None if is_allowed else pledges.CancelRefusedError)


@pytest.mark.parametrize(
    ("counted", "of_pledge", "is_needed"),
    [
        (100_00, 10_00, True),
        (109_99, 10_00, True),
        (110_00, 10_00, False),
        (99_99, 10_00, False),
        (100_00, 0, False),
    ],
)
def test_a_pledge_is_needed_when_a_reached_goal_falls_without_it(
    counted: int, of_pledge: int, is_needed: bool
) -> None:
    found = pledges.is_needed(counted=counted, goal=100_00, counted_of_pledge=of_pledge)
    assert found is is_needed


def test_pledges_that_have_not_ended_can_be_canceled() -> None:
    found = {status for status in PledgeStatus if pledges.is_cancelable(status)}
    assert found == {PledgeStatus.PENDING, PledgeStatus.ACTIVE}


@pytest.mark.parametrize(
    ("settled", "is_alive"), [(None, True), (30 * DAY, True), (30 * DAY + HOUR, False)]
)
def test_a_link_lives_for_thirty_days_after_the_settlement(
    settled: timedelta | None, is_alive: bool
) -> None:
    settled_at = None if settled is None else NOW - settled
    assert pledges.is_link_alive(settled_at=settled_at, at=NOW) is is_alive


@pytest.mark.parametrize(
    ("count", "is_owner_ready", "is_allowed"),
    [(2, True, False), (3, False, False), (3, True, True), (4, True, True)],
)
def test_a_launch_needs_supporters_and_an_owner_who_can_be_paid(
    count: int, is_owner_ready: bool, is_allowed: bool
) -> None:
    ready = launch.Readiness(launch.has_supporters(count, needed=3), is_owner_ready)

    refused = refusal_of(
        launch.check_can_launch, ready, supporters_count=count, supporters_needed=3
    )

    assert ready.is_complete is is_allowed
    assert refused is (None if is_allowed else launch.CannotLaunchError)


@pytest.mark.parametrize(
    ("collection", "days"), [(Collection.ON_PLEDGE, 76), (Collection.ON_SUCCESS, 90)]
)
def test_a_campaign_runs_as_long_as_its_money_may_rest(collection: Collection, days: int) -> None:
    assert launch.longest_run(collection, on_pledge_days=76, on_success_days=90) == days


@pytest.mark.parametrize(
    ("is_open", "was_extended", "is_goal_reached", "is_allowed"),
    [
        (True, False, False, True),
        (False, False, False, False),
        (True, True, False, False),
        (True, False, True, False),
    ],
)
def test_a_deadline_is_moved_once_while_open_and_short_of_the_goal(
    is_open: bool, was_extended: bool, is_goal_reached: bool, is_allowed: bool
) -> None:
    refused = refusal_of(
        launch.check_can_extend,
        is_open=is_open,
        was_extended=was_extended,
        is_goal_reached=is_goal_reached,
    )
    assert refused is (None if is_allowed else launch.CannotExtendError)


@pytest.mark.parametrize(("days", "is_allowed"), [(0, False), (1, True), (16, True), (17, False)])
def test_an_extension_has_from_one_day_to_the_most(days: int, is_allowed: bool) -> None:
    refused = refusal_of(launch.check_extra_days, days, most=16)
    assert refused is (None if is_allowed else InvalidError)


def test_the_most_extra_days_end_within_the_longest_run() -> None:
    deadline_at = launch.last_evening(NOW, days=60, time_zone="Europe/Paris", longest_days=60)

    most = launch.most_extra_days(
        launched_at=NOW, deadline_at=deadline_at, time_zone="Europe/Paris", longest_days=76
    )

    last = launch.extended(deadline_at, days=most, time_zone="Europe/Paris")
    assert last <= NOW + 76 * DAY < launch.extended(last, days=1, time_zone="Europe/Paris")


@pytest.mark.parametrize(
    ("status", "outcome", "is_canceled", "is_allowed"),
    [
        (S.LIVE, None, False, True),
        (S.SUSPENDED, None, False, True),
        (S.CLOSING, None, False, True),
        (S.CLOSING, None, True, False),
        (S.COLLECTING, Outcome.SUCCEEDED, False, False),
        (S.SETTLING, Outcome.FAILED, False, False),
        (S.GATHERING, None, False, False),
    ],
)
def test_an_outage_gives_time_back_between_launch_and_verdict(
    status: CampaignStatus, outcome: Outcome | None, is_canceled: bool, is_allowed: bool
) -> None:
    canceled_at = NOW if is_canceled else None

    refused = refusal_of(
        launch.check_can_extend_for_outage, status, outcome=outcome, canceled_at=canceled_at
    )

    assert refused is (None if is_allowed else launch.CannotExtendError)


@pytest.mark.parametrize(
    ("until", "is_allowed"),
    [(72 * HOUR, True), (HOUR, True), (73 * HOUR, False), (0 * HOUR, False), (-HOUR, False)],
)
def test_the_time_of_an_outage_stays_near_the_first_deadline(
    until: timedelta, is_allowed: bool
) -> None:
    refused = refusal_of(
        launch.check_outage_deadline,
        NOW + until,
        deadline_at=NOW,
        first_deadline_at=NOW,
        at=NOW - DAY,
        hours=72,
    )
    assert refused is (None if is_allowed else InvalidError)


@pytest.mark.parametrize(
    ("status", "are_terms_open", "is_text_open"),
    [
        (S.DRAFT, True, True),
        (S.SUBMITTED, False, False),
        (S.GATHERING, False, True),
        (S.LIVE, False, True),
        (S.SUSPENDED, False, False),
        (S.CLOSING, False, False),
        (S.SETTLED, False, False),
        (S.REJECTED, False, False),
    ],
)
def test_terms_freeze_at_submission_and_the_text_at_the_end(
    status: CampaignStatus, are_terms_open: bool, is_text_open: bool
) -> None:
    terms = refusal_of(drafts.check_terms_open, status)
    text = refusal_of(drafts.check_text_open, status)

    assert terms is (None if are_terms_open else drafts.NotEditableError)
    assert text is (None if is_text_open else drafts.NotEditableError)
    assert drafts.is_public_edit(status) is (status is not S.DRAFT)


def test_only_a_draft_that_nobody_saw_is_thrown_away() -> None:
    assert refusal_of(drafts.check_can_delete, S.DRAFT, submitted_at=None) is None
    refused = drafts.NotEditableError
    assert refusal_of(drafts.check_can_delete, S.DRAFT, submitted_at=NOW) is refused
    assert refusal_of(drafts.check_can_delete, S.SUBMITTED, submitted_at=NOW) is refused


@pytest.mark.parametrize(
    ("wanted", "has_amounts", "is_allowed"),
    [("EUR", True, True), ("CHF", False, True), ("CHF", True, False)],
)
def test_a_currency_changes_only_where_nothing_is_written_in_it(
    wanted: str, has_amounts: bool, is_allowed: bool
) -> None:
    refused = refusal_of(drafts.check_currency, wanted, present="EUR", has_amounts=has_amounts)
    assert refused is (None if is_allowed else InvalidError)


def test_a_campaign_promises_thirty_rewards_at_most() -> None:
    assert refusal_of(drafts.check_room_for_reward, 29) is None
    assert refusal_of(drafts.check_room_for_reward, 30) is InvalidError


def test_supporters_are_others_and_only_while_gathering() -> None:
    for status in CampaignStatus:
        expected = None if status is S.GATHERING else supporters.NotGatheringError
        assert refusal_of(supporters.check_gathering, status) is expected
    assert refusal_of(supporters.check_supporter, runs_campaign=False) is None
    assert refusal_of(supporters.check_supporter, runs_campaign=True) is ConflictError


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({}, []),
        ({"summary": ""}, ["summary"]),
        ({"story": " " + "s" * 199}, ["story"]),
        ({"place": "", "cover": None}, ["place", "cover"]),
        ({"cover_description": ""}, ["cover_description"]),
        ({"cost_amounts": ()}, ["cost_lines"]),
        ({"cost_amounts": (60_00, 39_99)}, ["cost_lines"]),
    ],
)
def test_a_review_names_all_that_is_missing(change: dict[str, object], missing: list[str]) -> None:
    submitted = review.Submission(**vars(COMPLETE) | change)
    assert [one.field for one in review.find_missing(submitted)] == missing


@pytest.mark.parametrize(
    ("act", "statuses"),
    [
        (review.Act.APPROVE, {S.SUBMITTED}),
        (review.Act.REQUEST_CHANGES, {S.SUBMITTED}),
        (review.Act.REJECT, {S.SUBMITTED, S.GATHERING}),
        (review.Act.SUSPEND, {S.LIVE}),
        (review.Act.RESUME, {S.SUSPENDED}),
        (review.Act.CANCEL, {S.LIVE, S.SUSPENDED}),
    ],
)
def test_each_act_of_a_moderator_has_its_statuses(
    act: review.Act, statuses: set[CampaignStatus]
) -> None:
    assert review.allowed_from(act) == statuses
    assert {status for status in S if act in review.acts_for(status)} == statuses
