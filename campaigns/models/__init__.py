"""Campaigns, rewards, pledges and supporters; nothing here moves money."""

from campaigns.models.campaign import (
    Campaign,
    CampaignStatus,
    Category,
    Collection,
    Outcome,
)
from campaigns.models.extension import OutageExtension
from campaigns.models.pledge import Pledge, PledgeLink, PledgeStatus, Visibility
from campaigns.models.reward import CostLine, Reward
from campaigns.models.supporter import Supporter

__all__ = [
    "Campaign",
    "CampaignStatus",
    "Category",
    "Collection",
    "CostLine",
    "OutageExtension",
    "Outcome",
    "Pledge",
    "PledgeLink",
    "PledgeStatus",
    "Reward",
    "Supporter",
    "Visibility",
]
