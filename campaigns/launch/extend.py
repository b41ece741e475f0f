"""Give a running campaign its one extension."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.launch.launch import evening_of, longest_run
from campaigns.models import Campaign
from campaigns.team.access import lock_own
from campaigns.team.mails import tell_owner
from octo.accounts.models import User
from octo.audit import record
from octo.clock import Clock
from octo.config import Rules
from octo.database import transaction
from octo.errors import N_, ConflictError, InvalidError


class CannotExtendError(ConflictError):
    """The campaign has no extension to ask for."""

    code = "cannot_extend"


def extend_campaign(
    campaign_id: str, *, days: int, actor: User, clock: Clock, rules: Rules
) -> Campaign:
    """Move the deadline once, while it is ahead and the goal is not reached."""
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        at = clock.now()
        if not campaign.is_open(at):
            raise CannotExtendError(N_("Only a running campaign can be extended."))
        if campaign.extended_at is not None:
            raise CannotExtendError(N_("This campaign has had its one extension."))
        if campaign.is_goal_reached:
            raise CannotExtendError(N_("The goal is reached: the deadline stays."))
        most = most_extra_days(campaign, rules)
        if not 1 <= days <= most:
            raise InvalidError(
                N_("Enter a number of days, from 1 to %(most)s."), field="days", most=most
            )
        campaign.deadline_at = _extended(campaign, days)
        campaign.extended_at = at
        record(
            session,
            actor=actor.public_id,
            action="campaign.extended",
            subject=campaign.public_id,
            at=at,
            days=days,
        )
        tell_owner(session, campaign, "campaign_extended", at=at)
        return campaign


def most_extra_days(campaign: Campaign, rules: Rules) -> int:
    """Return by how many days at most a running campaign may be extended."""
    assert campaign.launched_at is not None
    limit = campaign.launched_at + timedelta(days=longest_run(campaign, rules))
    days = range(longest_run(campaign, rules), 0, -1)
    return next((n for n in days if _extended(campaign, n) <= limit), 0)


def _extended(campaign: Campaign, days: int) -> datetime:
    assert campaign.deadline_at is not None
    last_on = campaign.deadline_at.astimezone(ZoneInfo(campaign.time_zone)).date()
    return evening_of(last_on + timedelta(days=days), campaign.time_zone)
