"""End a pledge at its backer's wish."""

from datetime import datetime

from campaigns.events import PledgeEvent, record_pledge_event
from campaigns.launch.terms import rules_of
from campaigns.models import Campaign, Pledge, PledgeStatus
from campaigns.pledges.mails import tell_canceled
from campaigns.pledges.transitions import discount
from campaigns.policy.pledges import (
    CancelRefusedError,
    check_can_cancel,
    is_cancelable,
    is_needed,
)
from campaigns.ports import Payments, PledgeMoney
from campaigns.settings import Rules
from octo.clock import Clock
from octo.database import lock, reading, transaction


def can_cancel(pledge: Pledge, *, at: datetime, payments: Payments, rules: Rules) -> bool:
    """Tell whether a page should offer to cancel; the decision is taken when it is asked."""
    with reading() as session:
        money = payments.read_money(session, pledge.id)
    try:
        _check_can_cancel(pledge, pledge.campaign, money, at=at, rules=rules)
    except CancelRefusedError:
        return False
    return is_cancelable(pledge.status)


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
        money = payments.read_money(session, pledge.id)
        _check_can_cancel(pledge, campaign, money, at=at, rules=rules)
        if pledge.status is PledgeStatus.ACTIVE:
            discount(session, pledge, counted_amount=money.counted_amount)
        pledge.move_to(PledgeStatus.CANCELED)
        pledge.canceled_at = at
        given_back = payments.release_pledge(session, pledge.id, reason="backer_canceled", at=at)
        record_pledge_event(session, pledge, PledgeEvent.CANCELED, at=at)
        if pledge.confirmed_at is not None:  # else nobody has shown that the address is theirs
            tell_canceled(session, pledge, given_back_amount=given_back, at=at)
        return pledge


def _check_can_cancel(
    pledge: Pledge, campaign: Campaign, money: PledgeMoney, *, at: datetime, rules: Rules
) -> None:
    check_can_cancel(
        status=campaign.status,
        deadline_at=campaign.deadline_at,
        is_active=pledge.status is PledgeStatus.ACTIVE,
        is_needed=is_needed(
            counted=campaign.pledged_amount,
            goal=campaign.goal_amount,
            counted_of_pledge=money.counted_amount,
        ),
        is_with_bank=money.is_with_bank,
        at=at,
        locked_hours=rules_of(campaign, rules).cancel_locked_hours,
    )
