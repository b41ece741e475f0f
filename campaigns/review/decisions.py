"""Do what a moderator decided, by name."""

from typing import Final

from campaigns.launch import cancel
from campaigns.models import Campaign
from campaigns.policy.review import Act
from campaigns.review import review
from campaigns.settings import Rules
from octo.accounts.models import User
from octo.clock import Clock

_SERVICES: Final = {
    Act.REQUEST_CHANGES: review.request_changes,
    Act.REJECT: review.reject_campaign,
    Act.SUSPEND: review.suspend_campaign,
    Act.RESUME: review.resume_campaign,
    Act.CANCEL: cancel.cancel_campaign,
}


def act_on_campaign(
    campaign_id: str, *, act: Act, reason: str, actor: User, clock: Clock, rules: Rules
) -> Campaign:
    """Do what a moderator decided."""
    if act is Act.APPROVE:
        return review.approve_campaign(
            campaign_id, reason=reason, actor=actor, clock=clock, rules=rules
        )
    return _SERVICES[act](campaign_id, reason=reason, actor=actor, clock=clock)
