"""When a pledge may be made, how much it may be, until when it can be canceled or counted."""

from datetime import datetime, timedelta
from typing import Final

from campaigns.models import CampaignStatus, Collection, Outcome, PledgeStatus
from octo.errors import N_, ConflictError, InvalidError
from octo.money import Money

LEAST_PLEDGE: Final = 1_00
MOST_PLEDGE: Final = 999_999_99  # Stripe takes amounts of eight digits
GRACE: Final = timedelta(minutes=10)  # between the pledge and Stripe's own half hour
LINK_LIFE: Final = timedelta(days=30)

_RUNNING: Final = frozenset({CampaignStatus.LIVE, CampaignStatus.SUSPENDED})
_COUNTING: Final = {
    Collection.ON_PLEDGE: _RUNNING | {CampaignStatus.CLOSING},
    Collection.ON_SUCCESS: _RUNNING,
}
_CANCELABLE: Final = frozenset({PledgeStatus.PENDING, PledgeStatus.ACTIVE})


class CampaignNotOpenError(ConflictError):
    """The campaign takes no pledge now."""

    code = "campaign_not_open"


class BelowRewardMinimumError(InvalidError):
    """The reward asks for more."""

    code = "below_reward_minimum"


class CancelRefusedError(ConflictError):
    """The pledge can no longer be canceled."""

    code = "cancel_refused"


def takes_pledges(status: CampaignStatus, *, deadline_at: datetime | None, at: datetime) -> bool:
    """Tell whether a pledge can be made at this instant."""
    return status is CampaignStatus.LIVE and deadline_at is not None and at < deadline_at


def check_takes_pledges(
    status: CampaignStatus, *, deadline_at: datetime | None, at: datetime
) -> None:
    """Raise ``CampaignNotOpenError`` unless a pledge can be made at this instant."""
    if not takes_pledges(status, deadline_at=deadline_at, at=at):
        raise CampaignNotOpenError(N_("This campaign takes no pledges now."))


def most_pledge(*, tip: int, shipping: int) -> int:
    """Return the largest amount that a card can be charged beside a tip and what sending costs."""
    return max(MOST_PLEDGE - tip - shipping, LEAST_PLEDGE)


def check_reward_minimum(amount: int, *, minimum: int, currency: str) -> None:
    """Raise ``BelowRewardMinimumError`` when a reward asks for more than ``amount``."""
    if amount < minimum:
        raise BelowRewardMinimumError(
            N_("This reward is for pledges of at least %(minimum)s."),
            field="amount",
            minimum=Money(minimum, currency),
        )


def abandoned_at(placed_at: datetime, *, checkout_minutes: int) -> datetime:
    """Return when a pledge that nobody paid is given up."""
    return placed_at + timedelta(minutes=checkout_minutes) + GRACE


def may_become_active(
    collection: Collection, status: CampaignStatus, outcome: Outcome | None
) -> bool:
    """Tell whether a campaign still counts what comes in.

    A card counts until closing begins; money until the verdict, since Stripe says when it came.
    """
    return outcome is None and status in _COUNTING[collection]


def check_can_cancel(
    *,
    status: CampaignStatus,
    deadline_at: datetime | None,
    is_active: bool,
    is_needed: bool,
    is_with_bank: bool,
    at: datetime,
    locked_hours: int,
) -> None:
    """Raise ``CancelRefusedError`` unless the backer may cancel at this instant.

    Until the deadline anyone may, but in the last hours not whoever ``is_needed``: without that
    pledge the goal, which is reached, would be missed. Money that ``is_with_bank`` is for the bank
    to decide about: nothing could be given back.
    """
    if status not in _RUNNING or deadline_at is None or at >= deadline_at:
        raise CancelRefusedError(
            N_("This campaign is over; its pledges can no longer be canceled.")
        )
    if is_with_bank:
        raise CancelRefusedError(
            N_("You contest this payment with your bank: this pledge can no longer be canceled.")
        )
    is_locked = at >= deadline_at - timedelta(hours=locked_hours)
    if is_active and is_locked and is_needed:
        raise CancelRefusedError(
            N_(
                "The goal is reached thanks to this pledge, and the campaign ends in less than "
                "%(hours)s h: it can no longer be canceled."
            ),
            hours=locked_hours,
        )


def is_cancelable(status: PledgeStatus) -> bool:
    """Tell whether a pledge has not come to an end yet."""
    return status in _CANCELABLE


def is_needed(*, counted: int, goal: int, counted_of_pledge: int) -> bool:
    """Tell whether a goal that is reached would be missed without one pledge."""
    return counted >= goal > counted - counted_of_pledge


def is_link_alive(*, settled_at: datetime | None, at: datetime) -> bool:
    """Tell whether the link to a receipt still opens it: until 30 days after the settlement."""
    return settled_at is None or at <= settled_at + LINK_LIFE
