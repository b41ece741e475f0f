"""Give a running campaign its one extension."""

from campaigns.events import CampaignEvent, record_campaign_event
from campaigns.launch.terms import run_limit
from campaigns.models import Campaign
from campaigns.permissions import RUN_CAMPAIGN
from campaigns.policy import launch as policy
from campaigns.policy.pledges import takes_pledges
from campaigns.settings import Rules
from campaigns.team.access import lock_permitted
from octo.accounts.models import User
from octo.audit import record
from octo.clock import Clock
from octo.database import transaction


def extend_campaign(
    campaign_id: str, *, days: int, actor: User, clock: Clock, rules: Rules
) -> Campaign:
    """Move the deadline once, while it is ahead and the goal is not reached."""
    with transaction() as session:
        campaign = lock_permitted(session, RUN_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        at = clock.now()
        policy.check_can_extend(
            is_open=takes_pledges(campaign.status, deadline_at=campaign.deadline_at, at=at),
            was_extended=campaign.extended_at is not None,
            is_goal_reached=campaign.is_goal_reached,
        )
        policy.check_extra_days(days, most=most_extra_days(campaign, rules))
        assert campaign.deadline_at is not None
        campaign.deadline_at = policy.extended(
            campaign.deadline_at, days=days, time_zone=campaign.time_zone
        )
        campaign.extended_at = at
        record(
            session,
            actor=actor.public_id,
            action="campaign.extended",
            subject=campaign.public_id,
            at=at,
            days=days,
        )
        record_campaign_event(session, campaign, CampaignEvent.EXTENDED, at=at)
        return campaign


def most_extra_days(campaign: Campaign, rules: Rules) -> int:
    """Return by how many days at most a campaign may be extended; none before its launch."""
    if campaign.launched_at is None or campaign.deadline_at is None:
        return 0
    return policy.most_extra_days(
        launched_at=campaign.launched_at,
        deadline_at=campaign.deadline_at,
        time_zone=campaign.time_zone,
        longest_days=run_limit(campaign, rules),
    )
