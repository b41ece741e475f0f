"""Call a running campaign off, as one of its owners or as a moderator."""

from datetime import datetime

from sqlalchemy.orm import Session

from campaigns.events import CampaignEvent, record_campaign_event
from campaigns.models import Campaign, CampaignStatus
from campaigns.models.limits import LONGEST_REASON
from campaigns.permissions import DECIDE_CAMPAIGN, RUN_CAMPAIGN
from campaigns.team.access import lock_permitted
from octo.accounts.models import User
from octo.audit import record
from octo.clock import Clock
from octo.database import transaction
from octo.text import clean_paragraphs


def cancel_own_campaign(campaign_id: str, *, reason: str, actor: User, clock: Clock) -> Campaign:
    """Call a running campaign off; every pledge is given back as if the goal were missed."""
    with transaction() as session:
        campaign = lock_permitted(session, RUN_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        _cancel(session, campaign, reason=reason, actor=actor, at=clock.now())
        return campaign


def cancel_campaign(campaign_id: str, *, reason: str, actor: User, clock: Clock) -> Campaign:
    """Call a running campaign off as a moderator."""
    with transaction() as session:
        campaign = lock_permitted(session, DECIDE_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        _cancel(session, campaign, reason=reason, actor=actor, at=clock.now())
        return campaign


def _cancel(
    session: Session, campaign: Campaign, *, reason: str, actor: User, at: datetime
) -> None:
    reason = clean_paragraphs(reason, field="reason", most=LONGEST_REASON, is_required=True)
    campaign.move_to(CampaignStatus.CLOSING)
    campaign.canceled_at = at
    campaign.closing_at = at
    record(
        session,
        actor=actor.public_id,
        action="campaign.canceled",
        subject=campaign.public_id,
        reason=reason,
        at=at,
    )
    record_campaign_event(session, campaign, CampaignEvent.CANCELED, at=at, reason=reason)
