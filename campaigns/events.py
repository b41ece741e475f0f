"""What happens to campaigns and pledges, by name, and what an event says of them."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from campaigns.models import Campaign, Pledge
from octo.events.record import EventName, Fact, record_event


class CampaignEvent(EventName):
    """What happens to a campaign."""

    SUBMITTED = "campaign.submitted"
    CHANGES_REQUESTED = "campaign.changes_requested"
    APPROVED = "campaign.approved"
    REJECTED = "campaign.rejected"
    SUPPORTERS_GATHERED = "campaign.supporters_gathered"
    LAUNCHED = "campaign.launched"
    EXTENDED = "campaign.extended"
    EXTENDED_FOR_OUTAGE = "campaign.extended_for_outage"
    SUSPENDED = "campaign.suspended"
    RESUMED = "campaign.resumed"
    CANCELED = "campaign.canceled"  # by its owner or a moderator
    LAPSED = "campaign.lapsed"  # still suspended when its deadline came
    SUCCEEDED = "campaign.succeeded"
    FAILED = "campaign.failed"
    COLLECTING = "campaign.collecting"
    COLLECTED = "campaign.collected"
    FELL_SHORT = "campaign.fell_short"
    GIVEN_BACK = "campaign.given_back"
    SETTLED = "campaign.settled"


class PledgeEvent(EventName):
    """What happens to a pledge."""

    ACTIVATED = "pledge.activated"
    EXPIRED = "pledge.expired"
    CANCELED = "pledge.canceled"
    COLLECTED = "pledge.collected"
    REFUNDED = "pledge.refunded"  # by us, by somebody at Stripe or by a bank
    RELEASED = "pledge.released"


def record_campaign_event(
    session: Session, campaign: Campaign, name: CampaignEvent, *, at: datetime, **more: Fact
) -> None:
    """Write down what happened to a campaign, with what it stood at: mails about it say that."""
    session.flush()
    record_event(
        session,
        name,
        campaign.public_id,
        at,
        campaign=campaign.public_id,
        organisation=campaign.organisation.public_id,
        **campaign_facts(campaign) | more,
    )


def record_pledge_event(
    session: Session, pledge: Pledge, name: PledgeEvent, *, at: datetime
) -> None:
    """Write down what happened to a pledge; amounts in minor units, and no word of its backer."""
    record_event(
        session,
        name,
        pledge.public_id,
        at,
        campaign=pledge.campaign.public_id,
        amount=pledge.amount,
        tip_amount=pledge.tip_amount,
        currency=pledge.currency,
    )


def campaign_facts(campaign: Campaign) -> dict[str, Any]:
    """Return what mails about a campaign say of it, as plain values."""
    return {
        "campaign_title": campaign.title,
        "campaign_slug": campaign.slug,
        "campaign_id": campaign.public_id,
        "goal_amount": campaign.goal_amount,
        "pledged_amount": campaign.pledged_amount,
        "backers_count": campaign.backers_count,
        "currency": campaign.currency,
        "deadline_at": campaign.deadline_at.isoformat() if campaign.deadline_at else "",
        "time_zone": campaign.time_zone,
        "reason": "",
    }
