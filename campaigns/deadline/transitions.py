"""The end of a campaign's life; payments call this inside their own transactions.

The caller holds the campaign's row lock (``octo.database.lock``).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.events import CampaignEvent, record_campaign_event
from campaigns.models import Campaign, CampaignStatus, Outcome
from octo.audit import record
from octo.errors import N_, ConflictError

SYSTEM = "system"
_RUNNING = (CampaignStatus.LIVE, CampaignStatus.SUSPENDED)


def find_due(session: Session, *, at: datetime, limit: int = 100) -> Sequence[int]:
    """Return the ids of campaigns whose deadline has passed and that are not closing yet."""
    statement = (
        sa.select(Campaign.id)
        .where(Campaign.status.in_(_RUNNING), Campaign.deadline_at <= at)
        .order_by(Campaign.deadline_at, Campaign.id)
        .limit(limit)
    )
    return session.scalars(statement).all()


def begin_closing(session: Session, campaign: Campaign, *, at: datetime) -> bool:
    """Stop pledging at the deadline; tell whether this call is the one that did it.

    A campaign still suspended then is canceled.
    """
    assert campaign.deadline_at is not None
    if campaign.status not in _RUNNING or at < campaign.deadline_at:
        return False
    if campaign.status is CampaignStatus.SUSPENDED:
        campaign.canceled_at = at
    campaign.move_to(CampaignStatus.CLOSING)
    campaign.closing_at = at
    record(session, actor=SYSTEM, action="campaign.closing", subject=campaign.public_id, at=at)
    if campaign.canceled_at is not None:
        record_campaign_event(session, campaign, CampaignEvent.LAPSED, at=at)
    return True


def decide(session: Session, campaign: Campaign, *, outcome: Outcome, at: datetime) -> None:
    """Freeze the verdict, once no payment is unresolved, and go on to settle."""
    assert (outcome is Outcome.CANCELED) == (campaign.canceled_at is not None)
    _freeze_verdict(session, campaign, outcome=outcome, at=at)
    campaign.move_to(CampaignStatus.SETTLING)
    if outcome is not Outcome.CANCELED:
        is_reached = outcome is Outcome.SUCCEEDED
        name = CampaignEvent.SUCCEEDED if is_reached else CampaignEvent.FAILED
        record_campaign_event(session, campaign, name, at=at)


def begin_collecting(
    session: Session, campaign: Campaign, *, ends_at: datetime, at: datetime
) -> None:
    """Freeze the verdict of a campaign whose saved cards are charged now.

    Until ``ends_at`` a card that is declined can be repaired.
    """
    _freeze_verdict(session, campaign, outcome=Outcome.SUCCEEDED, at=at)
    campaign.collecting_ends_at = ends_at
    campaign.move_to(CampaignStatus.COLLECTING)
    record_campaign_event(
        session, campaign, CampaignEvent.COLLECTING, at=at, repair_until=ends_at.isoformat()
    )


def end_collecting(
    session: Session,
    campaign: Campaign,
    *,
    outcome: Outcome,
    figures: Mapping[str, int],
    at: datetime,
) -> None:
    """Go on to settle, on what was collected: enough of it, or too little and all goes back.

    ``figures`` say by name how much of each resource that was.
    """
    campaign.move_to(CampaignStatus.SETTLING)
    record(
        session,
        actor=SYSTEM,
        action="campaign.collected",
        subject=campaign.public_id,
        at=at,
        reason="",
        goal_amount=campaign.goal_amount,
        **figures,
    )
    is_enough = outcome is Outcome.SUCCEEDED
    if not is_enough:
        _turn_to_failure(session, campaign, actor=SYSTEM, reason="not enough collected", at=at)
    name = CampaignEvent.COLLECTED if is_enough else CampaignEvent.FELL_SHORT
    record_campaign_event(session, campaign, name, at=at, **figures)


def fail_after_success(
    session: Session, campaign: Campaign, *, actor: str, reason: str, at: datetime
) -> None:
    """Turn a success into a failure, on the record; the caller has checked nothing was paid out."""
    if campaign.outcome is not Outcome.SUCCEEDED or campaign.status is not CampaignStatus.SETTLING:
        raise ConflictError(
            N_("Only a succeeded campaign that is not paid yet can be refunded whole.")
        )
    _turn_to_failure(session, campaign, actor=actor, reason=reason, at=at)
    record_campaign_event(session, campaign, CampaignEvent.GIVEN_BACK, at=at, reason=reason)


def _freeze_verdict(
    session: Session, campaign: Campaign, *, outcome: Outcome, at: datetime
) -> None:
    assert campaign.outcome is None, "a verdict is given once"
    campaign.outcome = outcome
    campaign.decided_at = at
    record(
        session,
        actor=SYSTEM,
        action=f"campaign.{outcome.value}",
        subject=campaign.public_id,
        at=at,
        pledged_amount=campaign.pledged_amount,
        goal_amount=campaign.goal_amount,
    )


def _turn_to_failure(
    session: Session, campaign: Campaign, *, actor: str, reason: str, at: datetime
) -> None:
    campaign.outcome = Outcome.FAILED
    record(
        session,
        actor=actor,
        action="campaign.failed_after_success",
        subject=campaign.public_id,
        reason=reason,
        at=at,
    )


def mark_settled(session: Session, campaign: Campaign, *, at: datetime) -> None:
    """End it: every transfer is done and no refund is pending, failed or unknown."""
    campaign.move_to(CampaignStatus.SETTLED)
    campaign.settled_at = at
    record(session, actor=SYSTEM, action="campaign.settled", subject=campaign.public_id, at=at)
    record_campaign_event(session, campaign, CampaignEvent.SETTLED, at=at)


def reopen_settling(session: Session, campaign: Campaign, *, reason: str, at: datetime) -> None:
    """Take a settled campaign back to settling, such as when a refund fails days later.

    One that is not settled stays as it is.
    """
    if campaign.status is not CampaignStatus.SETTLED:
        return
    campaign.move_to(CampaignStatus.SETTLING)
    campaign.settled_at = None
    record(
        session,
        actor=SYSTEM,
        action="campaign.settling_again",
        subject=campaign.public_id,
        reason=reason,
        at=at,
    )
