"""What happens to a pledge once placed; payments call this inside their own transactions.

Locks are taken in one order by everybody: pledges by id, then what pays them, then their
campaign, then rewards.
"""

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from campaigns.models import (
    Campaign,
    Collection,
    Outcome,
    Pledge,
    PledgeLink,
    PledgeStatus,
    Reward,
)
from campaigns.policy.pledges import may_become_active
from octo.errors import N_, ConflictError
from octo.ids import hash_token, new_token
from octo.mail.outbox import enqueue

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
    _count(session, pledge, sign=1)
    is_card = campaign.collection is Collection.ON_SUCCESS
    mail_link(session, pledge, template="card_saved" if is_card else "pledge_confirmed", at=at)


def expire_pledge(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """End a pledge whose checkout can no longer be paid; its reward's unit is for sale again.

    A pledge canceled during its checkout keeps its unit until this; calling twice changes
    nothing, nor does calling for a pledge that was paid after all.
    """
    del at
    if pledge.status is PledgeStatus.PENDING:
        pledge.move_to(PledgeStatus.EXPIRED)
    if pledge.status in _ENDED:
        give_reward_back(session, pledge)


def tell_charged(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """Say to a backer that the saved card, or the one that repaired it, was charged."""
    _tell(session, pledge, template="card_charged", at=at)


def tell_card_not_kept(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """Say to a backer that a card saved too late for its pledge will not be charged."""
    _tell(session, pledge, template="pledge_released", at=at)


def mark_collected(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """Record that the pledge's money is the owner's, and say so to the backer."""
    if pledge.status is PledgeStatus.COLLECTED:
        return
    pledge.move_to(PledgeStatus.COLLECTED)
    _tell(session, pledge, template="pledge_collected", at=at)


def mark_refunded(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """Record that the pledge's money went back, and say so; an ended pledge stays as it ended."""
    if mark_taken_back(session, pledge):
        _tell(session, pledge, template="pledge_refunded", at=at)


def mark_taken_back(session: Session, pledge: Pledge) -> bool:
    """Record that the pledge's money is with its backer again; tell whether this call did it.

    Before the verdict the campaign no longer counts it; after, what was pledged stands. Nobody is
    told: where a bank took the money back, the backer knows.
    """
    if pledge.status in _ENDED:
        return False
    was_counted = pledge.status is PledgeStatus.ACTIVE and pledge.campaign.outcome is None
    pledge.move_to(PledgeStatus.REFUNDED)
    if was_counted:
        discount(session, pledge)
    return True


def mark_released(session: Session, pledge: Pledge, *, at: datetime) -> None:
    """Record that a saved card will not be charged, and say so to the backer.

    A campaign that succeeds without it no longer counts it: what stands is what was collected.
    """
    if pledge.status is PledgeStatus.RELEASED:
        return
    pledge.move_to(PledgeStatus.RELEASED)
    is_left_out = pledge.campaign.outcome is Outcome.SUCCEEDED
    if is_left_out:
        discount(session, pledge)
    _tell(
        session,
        pledge,
        template="pledge_not_collected" if is_left_out else "pledge_released",
        at=at,
    )


def issue_link(session: Session, pledge: Pledge, *, at: datetime, is_mailed: bool = False) -> str:
    """Make one more secret link to the receipt and return its token, which is kept nowhere."""
    token = new_token()
    session.add(
        PledgeLink(pledge=pledge, token_hash=hash_token(token), is_mailed=is_mailed, created_at=at)
    )
    return token


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


def discount(session: Session, pledge: Pledge) -> None:
    """Take an active pledge out of what its campaign counts, and its reward back."""
    _count(session, pledge, sign=-1)
    give_reward_back(session, pledge)


def mail_context(pledge: Pledge) -> dict[str, object]:
    """Return what mails about a pledge say, as plain values."""
    campaign = pledge.campaign
    return {
        "name": pledge.name,
        "campaign_title": campaign.title,
        "campaign_slug": campaign.slug,
        "campaign_id": campaign.public_id,
        "amount": pledge.amount,
        "tip_amount": pledge.tip_amount,
        "total_amount": pledge.total_amount,
        "currency": pledge.currency,
        "reward_title": pledge.reward.title if pledge.reward else "",
        "deadline_at": campaign.deadline_at.isoformat() if campaign.deadline_at else "",
        "time_zone": campaign.time_zone,
        "is_card_saved": campaign.collection is Collection.ON_SUCCESS,
    }


def _retake_reward(session: Session, pledge: Pledge) -> None:
    reward = session.get_one(Reward, pledge.reward_id)
    if not take_reward(session, reward):
        raise RewardGoneError(N_("This reward is sold out; the payment is given back."))
    pledge.holds_reward = True


def _count(session: Session, pledge: Pledge, *, sign: int) -> None:
    session.execute(
        sa.update(Campaign)
        .where(Campaign.id == pledge.campaign_id)
        .values(
            pledged_amount=Campaign.pledged_amount + sign * pledge.amount,
            backers_count=Campaign.backers_count + sign,
        )
        .execution_options(synchronize_session=False)
    )
    session.expire(pledge.campaign, ["pledged_amount", "backers_count"])


def mail_link(
    session: Session, pledge: Pledge, *, template: str, at: datetime, **told: str
) -> None:
    """Write to a backer with a link of their own to the receipt, and what else the mail says."""
    token = issue_link(session, pledge, is_mailed=True, at=at)
    _tell(session, pledge, template=template, at=at, token=token, **told)


def _tell(session: Session, pledge: Pledge, *, template: str, at: datetime, **told: str) -> None:
    enqueue(
        session,
        to=pledge.email,
        locale=pledge.locale,
        template=template,
        context=mail_context(pledge) | told,
        at=at,
    )
