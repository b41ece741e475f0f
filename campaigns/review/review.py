"""Submit a campaign and review it: every act is on the audit trail, with its reason."""

from datetime import datetime

from sqlalchemy.orm import Session

from campaigns.events import CampaignEvent, record_campaign_event
from campaigns.models import Campaign, CampaignStatus
from campaigns.models.limits import LONGEST_REASON
from campaigns.permissions import DECIDE_CAMPAIGN, RUN_CAMPAIGN
from campaigns.policy import review as policy
from campaigns.policy.review import Act
from campaigns.settings import Rules
from campaigns.team.access import lock_permitted
from octo.accounts.models import User
from octo.audit import record
from octo.clock import Clock
from octo.database import transaction
from octo.text import clean_paragraphs


def find_missing(campaign: Campaign) -> list[policy.Missing]:
    """List everything a campaign lacks before it can be reviewed."""
    return policy.find_missing(
        policy.Submission(
            summary=campaign.summary,
            story=campaign.story,
            place=campaign.place,
            cover=campaign.cover,
            cover_description=campaign.cover_description,
            cost_amounts=[line.amount for line in campaign.cost_lines],
            goal_amount=campaign.goal_amount,
        )
    )


def submit_campaign(campaign_id: str, *, actor: User, clock: Clock) -> Campaign:
    """Ask for the review; raises ``IncompleteError`` with everything that is missing."""
    with transaction() as session:
        campaign = lock_permitted(session, RUN_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        at = clock.now()
        if campaign.status is CampaignStatus.DRAFT and (missing := find_missing(campaign)):
            raise policy.IncompleteError(missing)
        campaign.move_to(CampaignStatus.SUBMITTED)
        campaign.submitted_at = at
        _note(session, actor, campaign, "campaign.submitted", reason="", at=at)
        record_campaign_event(session, campaign, CampaignEvent.SUBMITTED, at=at)
        return campaign


def withdraw_campaign(campaign_id: str, *, actor: User, clock: Clock) -> Campaign:
    """Take a campaign back to draft before its launch, to change what the review froze."""
    with transaction() as session:
        campaign = lock_permitted(session, RUN_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        at = clock.now()
        campaign.move_to(CampaignStatus.DRAFT)
        campaign.approved_at = None
        _note(session, actor, campaign, "campaign.withdrawn", reason="", at=at)
        return campaign


def request_changes(campaign_id: str, *, reason: str, actor: User, clock: Clock) -> Campaign:
    """Send a campaign back to draft with what should change."""
    return _review(
        campaign_id,
        status=CampaignStatus.DRAFT,
        act=Act.REQUEST_CHANGES,
        event=CampaignEvent.CHANGES_REQUESTED,
        reason=_needed(reason),
        actor=actor,
        clock=clock,
    )


def approve_campaign(
    campaign_id: str, *, reason: str = "", actor: User, clock: Clock, rules: Rules
) -> Campaign:
    """Let a campaign gather its supporters."""
    return _review(
        campaign_id,
        status=CampaignStatus.GATHERING,
        act=Act.APPROVE,
        event=CampaignEvent.APPROVED,
        reason=clean_paragraphs(reason, field="reason", most=LONGEST_REASON),
        actor=actor,
        clock=clock,
        supporters_needed=rules.supporters_needed,
    )


def reject_campaign(campaign_id: str, *, reason: str, actor: User, clock: Clock) -> Campaign:
    """Refuse a campaign for good, with the reason."""
    return _review(
        campaign_id,
        status=CampaignStatus.REJECTED,
        act=Act.REJECT,
        event=CampaignEvent.REJECTED,
        reason=_needed(reason),
        actor=actor,
        clock=clock,
    )


def suspend_campaign(campaign_id: str, *, reason: str, actor: User, clock: Clock) -> Campaign:
    """Stop pledging while something is looked into; the deadline keeps coming."""
    return _review(
        campaign_id,
        status=CampaignStatus.SUSPENDED,
        act=Act.SUSPEND,
        event=CampaignEvent.SUSPENDED,
        reason=_needed(reason),
        actor=actor,
        clock=clock,
    )


def resume_campaign(campaign_id: str, *, reason: str = "", actor: User, clock: Clock) -> Campaign:
    """Let a suspended campaign take pledges again."""
    return _review(
        campaign_id,
        status=CampaignStatus.LIVE,
        act=Act.RESUME,
        event=CampaignEvent.RESUMED,
        reason=clean_paragraphs(reason, field="reason", most=LONGEST_REASON),
        actor=actor,
        clock=clock,
    )


def _review(
    campaign_id: str,
    *,
    act: Act,
    status: CampaignStatus,
    event: CampaignEvent,
    reason: str,
    actor: User,
    clock: Clock,
    **more: int,
) -> Campaign:
    with transaction() as session:
        campaign = lock_permitted(session, DECIDE_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        at = clock.now()
        campaign.check_is_in(policy.allowed_from(act), wanted=status)
        campaign.move_to(status)
        if act is Act.APPROVE:
            campaign.approved_at = at
        if act is Act.REQUEST_CHANGES:
            campaign.review_note = reason
        _note(session, actor, campaign, event.value, reason=reason, at=at)
        record_campaign_event(session, campaign, event, at=at, reason=reason, **more)
        return campaign


def _needed(reason: str) -> str:
    return clean_paragraphs(reason, field="reason", most=LONGEST_REASON, is_required=True)


def _note(
    session: Session, actor: User, campaign: Campaign, action: str, *, reason: str, at: datetime
) -> None:
    record(
        session,
        actor=actor.public_id,
        action=action,
        subject=campaign.public_id,
        reason=reason,
        at=at,
    )
