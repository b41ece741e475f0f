"""Submit a campaign and review it: every act is on the audit trail, with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus
from campaigns.team.access import lock_own
from campaigns.team.mails import tell_moderators, tell_owner
from octo.accounts.models import User
from octo.audit import record
from octo.clock import Clock
from octo.config import Rules
from octo.database import lock, transaction
from octo.errors import N_, InvalidError, OctoError
from octo.text import clean_paragraphs

SHORTEST_STORY: Final = 200
LONGEST_REASON: Final = 2_000


@dataclass(frozen=True)
class Missing:
    """One thing to mend before a campaign can be submitted; ``step`` is where."""

    field: str
    message: str
    step: str


class IncompleteError(InvalidError):
    """The campaign lacks something; errors names all of it."""

    code = "incomplete"

    def __init__(self, missing: list[Missing]) -> None:
        super().__init__(N_("This campaign is not complete yet."), field=missing[0].field)
        self.missing = missing

    @property
    def parts(self) -> Sequence[OctoError]:
        """All that is missing."""
        return [InvalidError(one.message, field=one.field) for one in self.missing]


def find_missing(campaign: Campaign) -> list[Missing]:
    """List everything a campaign lacks before it can be reviewed."""
    costs = sum(line.amount for line in campaign.cost_lines)
    checks = [
        (campaign.summary, "summary", N_("Write a summary of one or two sentences."), "text"),
        (
            len(campaign.story.strip()) >= SHORTEST_STORY,
            "story",
            N_("Tell the story: what, for whom, why now (200 characters at least)."),
            "text",
        ),
        (campaign.place, "place", N_("Say where it happens."), "text"),
        (campaign.cover, "cover", N_("Add a cover picture."), "cover"),
        (
            campaign.cover_description,
            "cover_description",
            N_("Describe the cover picture for people who do not see it."),
            "cover",
        ),
        (campaign.cost_lines, "cost_lines", N_("Say what the money is for."), "costs"),
        (
            not campaign.cost_lines or costs == campaign.goal_amount,
            "cost_lines",
            N_("The cost lines must add up to the goal."),
            "costs",
        ),
    ]
    return [
        Missing(field, message, step) for is_there, field, message, step in checks if not is_there
    ]


def submit_campaign(campaign_id: str, *, actor: User, clock: Clock) -> Campaign:
    """Ask for the review; raises ``IncompleteError`` with everything that is missing."""
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        at = clock.now()
        if campaign.status is CampaignStatus.DRAFT and (missing := find_missing(campaign)):
            raise IncompleteError(missing)
        campaign.move_to(CampaignStatus.SUBMITTED)
        campaign.submitted_at = at
        _note(session, actor, campaign, "campaign.submitted", reason="", at=at)
        tell_owner(session, campaign, "campaign_submitted", at=at)
        tell_moderators(session, campaign, "campaign_to_review", at=at)
        return campaign


def withdraw_campaign(campaign_id: str, *, actor: User, clock: Clock) -> Campaign:
    """Take a campaign back to draft before its launch, to change what the review froze."""
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
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
        action="campaign.changes_requested",
        template="campaign_changes_requested",
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
        action="campaign.approved",
        template="campaign_approved",
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
        action="campaign.rejected",
        template="campaign_rejected",
        reason=_needed(reason),
        actor=actor,
        clock=clock,
    )


def suspend_campaign(campaign_id: str, *, reason: str, actor: User, clock: Clock) -> Campaign:
    """Stop pledging while something is looked into; the deadline keeps coming."""
    return _review(
        campaign_id,
        status=CampaignStatus.SUSPENDED,
        action="campaign.suspended",
        template="campaign_suspended",
        reason=_needed(reason),
        actor=actor,
        clock=clock,
    )


def resume_campaign(campaign_id: str, *, reason: str = "", actor: User, clock: Clock) -> Campaign:
    """Let a suspended campaign take pledges again."""
    return _review(
        campaign_id,
        status=CampaignStatus.LIVE,
        action="campaign.resumed",
        template="campaign_resumed",
        reason=clean_paragraphs(reason, field="reason", most=LONGEST_REASON),
        actor=actor,
        clock=clock,
    )


_FROM: Final = {
    "campaign.changes_requested": {CampaignStatus.SUBMITTED},
    "campaign.approved": {CampaignStatus.SUBMITTED},
    "campaign.rejected": {CampaignStatus.SUBMITTED, CampaignStatus.GATHERING},
    "campaign.suspended": {CampaignStatus.LIVE},
    "campaign.resumed": {CampaignStatus.SUSPENDED},
}


def _review(
    campaign_id: str,
    *,
    status: CampaignStatus,
    action: str,
    template: str,
    reason: str,
    actor: User,
    clock: Clock,
    **more: object,
) -> Campaign:
    with transaction() as session:
        campaign = lock(session, Campaign, public_id=campaign_id)
        at = clock.now()
        campaign.check_is_in(_FROM[action], wanted=status)
        campaign.move_to(status)
        if action == "campaign.approved":
            campaign.approved_at = at
        if action == "campaign.changes_requested":
            campaign.review_note = reason
        _note(session, actor, campaign, action, reason=reason, at=at)
        tell_owner(session, campaign, template, at=at, reason=reason, **more)
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
