"""How long campaigns and pledges may stand in the states that must pass."""

from datetime import timedelta
from typing import Final

from campaigns.models import Campaign, CampaignStatus, Pledge, PledgeStatus
from octo.errors import N_
from octo.health.longest_times import LongestTime

LONGEST_TIMES: Final = (
    LongestTime(
        "closing_late",
        N_("The deadline of %(name)s passed over an hour ago, and it has not closed."),
        Campaign.status.in_((CampaignStatus.LIVE, CampaignStatus.SUSPENDED)),
        since=(Campaign.deadline_at,),
        longest=timedelta(hours=1),
        name=Campaign.slug,
    ),
    LongestTime(
        "verdict_late",
        N_("The verdict on %(name)s has waited over an hour for payments in flight."),
        Campaign.status == CampaignStatus.CLOSING,
        since=(Campaign.closing_at,),
        longest=timedelta(hours=1),
        name=Campaign.slug,
    ),
    LongestTime(
        "collecting_late",
        N_("The days to repair cards of %(name)s ended over a day ago, and it still collects."),
        Campaign.status == CampaignStatus.COLLECTING,
        since=(Campaign.collecting_ends_at,),
        longest=timedelta(days=1),
        name=Campaign.slug,
    ),
    LongestTime(
        "pledge_late",
        N_("Pledges whose time to pay ended over a day ago are still open: %(count)s."),
        Pledge.status == PledgeStatus.PENDING,
        since=(Pledge.expires_at,),
        longest=timedelta(days=1),
    ),
)
