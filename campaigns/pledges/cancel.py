"""End a pledge at its backer's wish."""

from datetime import datetime, timedelta

from campaigns.models import Campaign, CampaignStatus, Pledge, PledgeStatus
from campaigns.pledges.transitions import discount, mail_context
from campaigns.ports import Payments
from octo.clock import Clock
from octo.config import Rules
from octo.database import lock, transaction
from octo.errors import N_, ConflictError
from octo.mail.outbox import enqueue


class CancelRefusedError(ConflictError):
    """The pledge can no longer be canceled."""

    code = "cancel_refused"


def can_cancel(pledge: Pledge, *, at: datetime, rules: Rules) -> bool:
    """Tell whether a page should offer to cancel; the decision is taken when it is asked."""
    try:
        _check_can_cancel(pledge, pledge.campaign, at=at, rules=rules)
    except CancelRefusedError:
        return False
    return pledge.status in {PledgeStatus.PENDING, PledgeStatus.ACTIVE}


def cancel_pledge(pledge_id: str, *, clock: Clock, payments: Payments, rules: Rules) -> Pledge:
    """End a pledge at its backer's wish; its money goes back in the same commit.

    Allowed until the deadline, but in the last hours not when it would sink a reached goal.
    That is decided while the campaign's row is locked, so of two backers only one can be
    the last allowed to leave.
    """
    with transaction() as session:
        pledge = lock(session, Pledge, public_id=pledge_id)
        if pledge.status is PledgeStatus.CANCELED:
            return pledge
        payments.lock_money(session, pledge.id)
        campaign = lock(session, Campaign, id=pledge.campaign_id)
        at = clock.now()
        _check_can_cancel(pledge, campaign, at=at, rules=rules)
        if pledge.status is PledgeStatus.ACTIVE:
            discount(session, pledge)
        pledge.move_to(PledgeStatus.CANCELED)
        pledge.canceled_at = at
        payments.release_pledge(session, pledge.id, reason="backer_canceled", at=at)
        enqueue(
            session,
            to=pledge.email,
            locale=pledge.locale,
            template="pledge_canceled",
            context=mail_context(pledge),
            at=at,
        )
        return pledge


def _check_can_cancel(pledge: Pledge, campaign: Campaign, *, at: datetime, rules: Rules) -> None:
    is_running = campaign.status in {CampaignStatus.LIVE, CampaignStatus.SUSPENDED}
    if not is_running or campaign.deadline_at is None or at >= campaign.deadline_at:
        raise CancelRefusedError(
            N_("This campaign is over; its pledges can no longer be canceled.")
        )
    is_locked = at >= campaign.deadline_at - timedelta(hours=rules.cancel_locked_hours)
    left_amount = campaign.pledged_amount - pledge.amount
    would_sink = campaign.is_goal_reached and left_amount < campaign.goal_amount
    if pledge.status is PledgeStatus.ACTIVE and is_locked and would_sink:
        raise CancelRefusedError(
            N_(
                "The goal is reached thanks to this pledge, and the campaign ends in less than "
                "%(hours)s h: it can no longer be canceled."
            ),
            hours=rules.cancel_locked_hours,
        )
