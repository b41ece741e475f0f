"""What a moderator may do to a campaign, by name."""

from enum import StrEnum
from typing import Final

from campaigns.launch import cancel
from campaigns.models import Campaign, CampaignStatus
from campaigns.review import review
from octo.accounts.models import User
from octo.clock import Clock
from octo.config import Rules


class Act(StrEnum):
    """One act of a moderator."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"
    SUSPEND = "suspend"
    RESUME = "resume"
    CANCEL = "cancel"


_ACTS: Final = {
    CampaignStatus.SUBMITTED: (Act.APPROVE, Act.REQUEST_CHANGES, Act.REJECT),
    CampaignStatus.GATHERING: (Act.REJECT,),
    CampaignStatus.LIVE: (Act.SUSPEND, Act.CANCEL),
    CampaignStatus.SUSPENDED: (Act.RESUME, Act.CANCEL),
}
_SERVICES: Final = {
    Act.REQUEST_CHANGES: review.request_changes,
    Act.REJECT: review.reject_campaign,
    Act.SUSPEND: review.suspend_campaign,
    Act.RESUME: review.resume_campaign,
    Act.CANCEL: cancel.cancel_campaign,
}


def acts_for(campaign: Campaign) -> tuple[Act, ...]:
    """Return the acts that a campaign's status allows."""
    return _ACTS.get(campaign.status, ())


def act_on_campaign(
    campaign_id: str, *, act: Act, reason: str, actor: User, clock: Clock, rules: Rules
) -> Campaign:
    """Do what a moderator decided."""
    if act is Act.APPROVE:
        return review.approve_campaign(
            campaign_id, reason=reason, actor=actor, clock=clock, rules=rules
        )
    return _SERVICES[act](campaign_id, reason=reason, actor=actor, clock=clock)
