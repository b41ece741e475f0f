"""What happens to a pledge once placed; payments call this inside their own transactions.

Locks are taken in one order by everybody: pledges by id, then what pays them, then their
campaign, then rewards.
"""

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from campaigns.events import PledgeEvent, record_pledge_event
from campaigns.models import (
    Campaign,
    Outcome,
    Pledge,
    PledgeStatus,
    Reward,
)
from campaigns.pledges.mails import (
    tell_activated,
    tell_collected,
    tell_left_out,
    tell_refunded,
    tell_released,
)
from campaigns.policy.counting import is_still_counted
from campaigns.policy.pledges import may_become_active
from octo.errors import N_, ConflictError

_ENDED = frozenset({PledgeStatus.CANCELED, PledgeStatus.EXPIRED, PledgeStatus.REFUNDED})


class CannotActivateError(ConflictError):
    """The money came but the pledge cannot stand; whoever asked gives the money back."""

    code = "cannot_activate"


class RewardGoneError(CannotActivateError):
    """The reward's stock was given back when the checkout expired, and sold since."""

    code = "reward_gone"


class PledgeEndedError(CannotActivateError):
    """The backer canceled, or the money went back, before this payment was known."""

    code = "pledge_ended"


class CampaignDecidedError(CannotActivateError):
    """The verdict is given: nothing counts any more."""

    code = "campaign_decided"


def activate_pledge(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """Count a pledge whose money is there, or its card; one already counted changes nothing.

    A card counts until closing begins; money until the verdict, since Stripe says when it came.
    An expired pledge takes its reward's unit again. Raises ``CannotActivateError``, with
    nothing changed, when the pledge cannot stand: the caller gives the money back.
    """
    if pledge.status in {PledgeStatus.ACTIVE, PledgeStatus.COLLECTED}:
        return
    if pledge.status not in {PledgeStatus.PENDING, PledgeStatus.EXPIRED}:
        raise PledgeEndedError(N_("This pledge is ended; its payment is given back."))
    campaign = pledge.campaign
    session.refresh(campaign, ["status", "outcome"])
    if not may_become_active(campaign.collection, campaign.status, campaign.outcome):
        raise CampaignDecidedError(N_("This campaign is over; the payment is given back."))
    if pledge.reward_id is not None and not pledge.holds_reward:
        _retake_reward(session, pledge)
    pledge.move_to(PledgeStatus.ACTIVE)
    pledge.confirmed_at = at
    _count(session, pledge, amount=pledge.amount, backers=1)
    record_pledge_event(session, pledge, PledgeEvent.ACTIVATED, at=at)
    tell_activated(session, pledge, at=at)


def expire_pledge(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """End a pledge whose checkout can no longer be paid; its reward's unit is for sale again.

    A pledge canceled during its checkout keeps its unit until this; calling twice changes
    nothing, nor does calling for a pledge that was paid after all.
    """
    if pledge.status is PledgeStatus.PENDING:
        pledge.move_to(PledgeStatus.EXPIRED)
        record_pledge_event(session, pledge, PledgeEvent.EXPIRED, at=at)
    if pledge.status in _ENDED:
        give_reward_back(session, pledge)


def mark_collected(session: Session, pledge: Pledge, *, counted_amount: int, at: datetime) -> None:
    """Record that what counts of a pledge (minor units) is the owner's, and say so to the backer.

    Where a bank has all of it, nothing is said: it may come back.
    """
    if pledge.status is PledgeStatus.COLLECTED:
        return
    pledge.move_to(PledgeStatus.COLLECTED)
    record_pledge_event(session, pledge, PledgeEvent.COLLECTED, at=at)
    if counted_amount:
        tell_collected(session, pledge, counted_amount=counted_amount, at=at)


def mark_refunded(
    session: Session, pledge: Pledge, *, returned_amount: int, withdrawn_amount: int, at: datetime
) -> None:
    """Record that the pledge's money went back, and say so; an ended pledge stays as it ended.

    We sent ``returned_amount`` back, and a bank took ``withdrawn_amount``, in minor units.
    """
    if mark_taken_back(session, pledge, at=at):
        tell_refunded(
            session,
            pledge,
            returned_amount=returned_amount,
            withdrawn_amount=withdrawn_amount,
            at=at,
        )


def mark_taken_back(session: Session, pledge: Pledge, *, at: datetime) -> bool:
    """Record that the pledge's money is with its backer again; tell whether this call did it.

    Nothing of its amount counts any more by then, and before the last verdict its backer no longer
    does; after it, what counted stands. Nobody is told: where a bank took the money back, the
    backer knows.
    """
    if pledge.status in _ENDED:
        return False
    campaign = pledge.campaign
    is_active = pledge.status is PledgeStatus.ACTIVE
    pledge.move_to(PledgeStatus.REFUNDED)
    record_pledge_event(session, pledge, PledgeEvent.REFUNDED, at=at)
    if is_active and is_still_counted(campaign.status, campaign.outcome):
        discount(session, pledge, counted_amount=0)
    return True


def mark_released(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """Record that a saved card will not be charged, and say so to the backer.

    Where the campaign succeeds without it, its reward is for sale again.
    """
    if pledge.status is PledgeStatus.RELEASED:
        return
    pledge.move_to(PledgeStatus.RELEASED)
    record_pledge_event(session, pledge, PledgeEvent.RELEASED, at=at)
    if pledge.campaign.outcome is Outcome.SUCCEEDED:
        give_reward_back(session, pledge)
        tell_left_out(session, pledge, at=at)
    else:
        tell_released(session, pledge, at=at)


def take_reward(session: Session, reward: Reward) -> bool:
    """Take one unit if one is left: of many buyers of the last one, the database picks one."""
    taken = session.execute(
        sa.update(Reward)
        .where(Reward.id == reward.id)
        .where(sa.or_(Reward.stock.is_(None), Reward.taken_count < Reward.stock))
        .values(taken_count=Reward.taken_count + 1)
        .execution_options(synchronize_session=False)
    )
    session.expire(reward, ["taken_count"])
    return cast("CursorResult[Any]", taken).rowcount == 1


def give_reward_back(session: Session, pledge: Pledge) -> None:
    """Put the unit a pledge holds back on sale."""
    if not pledge.holds_reward:
        return
    pledge.holds_reward = False
    session.execute(
        sa.update(Reward)
        .where(Reward.id == pledge.reward_id)
        .values(taken_count=Reward.taken_count - 1)
        .execution_options(synchronize_session=False)
    )
    if pledge.reward is not None:
        session.expire(pledge.reward, ["taken_count"])


def recount(session: Session, pledge: Pledge, *, change: int) -> None:
    """Have the campaign count more or less of an active pledge, by ``change`` minor units.

    Money of it went back or came again, in part or whole. After the last verdict what counted
    stands.
    """
    campaign = pledge.campaign
    is_counted = is_still_counted(campaign.status, campaign.outcome)
    if change and pledge.status is PledgeStatus.ACTIVE and is_counted:
        _count(session, pledge, amount=change, backers=0)


def discount(session: Session, pledge: Pledge, *, counted_amount: int) -> None:
    """Take what counts of an ended pledge, in minor units, and its backer out of the campaign.

    Its reward is for sale again.
    """
    _count(session, pledge, amount=-counted_amount, backers=-1)
    give_reward_back(session, pledge)


def _retake_reward(session: Session, pledge: Pledge) -> None:
    reward = session.get_one(Reward, pledge.reward_id)
    if not take_reward(session, reward):
        raise RewardGoneError(N_("This reward is sold out; the payment is given back."))
    pledge.holds_reward = True


def _count(session: Session, pledge: Pledge, *, amount: int, backers: int) -> None:
    session.execute(
        sa.update(Campaign)
        .where(Campaign.id == pledge.campaign_id)
        .values(
            pledged_amount=Campaign.pledged_amount + amount,
            backers_count=Campaign.backers_count + backers,
        )
        .execution_options(synchronize_session=False)
    )
    session.expire(pledge.campaign, ["pledged_amount", "backers_count"])
