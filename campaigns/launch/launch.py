"""Launch a campaign: what it needs first, and the evening it will end."""

from campaigns.events import CampaignEvent, record_campaign_event
from campaigns.launch.terms import run_limit, write_terms
from campaigns.models import Campaign, CampaignStatus
from campaigns.permissions import RUN_CAMPAIGN
from campaigns.policy.launch import (
    SHORTEST_DAYS,
    Readiness,
    check_can_launch,
    has_supporters,
    last_evening,
)
from campaigns.ports import Payments
from campaigns.settings import Rules
from campaigns.team.access import lock_permitted
from octo.accounts.models import User
from octo.audit import record
from octo.clock import Clock
from octo.database import transaction


def check_readiness(campaign: Campaign, *, payments: Payments, rules: Rules) -> Readiness:
    """Tell what a launch still needs."""
    return Readiness(
        has_supporters=has_supporters(campaign.supporters_count, needed=rules.supporters_needed),
        is_owner_ready=payments.owner_is_ready(campaign.organisation_id, campaign.currency),
    )


def launch_campaign(
    campaign_id: str, *, actor: User, clock: Clock, payments: Payments, rules: Rules
) -> Campaign:
    """Open a campaign to pledges until the evening its duration leads to, under today's terms."""
    with transaction() as session:
        campaign = lock_permitted(session, RUN_CAMPAIGN, campaign_id=campaign_id, actor=actor)
        campaign.check_is_in({CampaignStatus.GATHERING}, wanted=CampaignStatus.LIVE)
        ready = check_readiness(campaign, payments=payments, rules=rules)
        check_can_launch(
            ready,
            supporters_count=campaign.supporters_count,
            supporters_needed=rules.supporters_needed,
        )
        at = clock.now().replace(microsecond=0)
        campaign.launched_at = at
        campaign.deadline_at = last_evening(
            at,
            days=campaign.duration_days,
            time_zone=campaign.time_zone,
            longest_days=max(min(rules.longest_days, run_limit(campaign, rules)), SHORTEST_DAYS),
        )
        write_terms(campaign, payments.view_terms(), rules=rules)
        campaign.move_to(CampaignStatus.LIVE)
        record(
            session,
            actor=actor.public_id,
            action="campaign.launched",
            subject=campaign.public_id,
            at=at,
        )
        record_campaign_event(session, campaign, CampaignEvent.LAUNCHED, at=at)
        return campaign
