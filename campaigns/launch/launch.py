"""Launch a campaign: what it needs first, and the evening it will end."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from campaigns.models import Campaign, CampaignStatus, Collection
from campaigns.ports import Payments
from campaigns.team.access import lock_own
from campaigns.team.mails import tell_owner
from octo.accounts.models import User
from octo.audit import record
from octo.clock import Clock
from octo.config import Rules
from octo.database import transaction
from octo.errors import N_, ConflictError

_LAST_SECOND: Final = time(23, 59, 59)


class CannotLaunchError(ConflictError):
    """Something the launch needs is not there yet."""

    code = "cannot_launch"


@dataclass(frozen=True)
class Readiness:
    """What a launch needs, and whether it is there."""

    has_supporters: bool
    is_owner_ready: bool

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing is missing."""
        return self.has_supporters and self.is_owner_ready


def last_evening(
    launched_at: datetime, *, days: int, time_zone: str, longest_days: int
) -> datetime:
    """Return the last second of the day ``days`` after a launch, as the place's clocks show it.

    Days are days of the calendar, so a change of the clocks moves nothing; the evening
    before is taken when that day's would pass ``longest_days`` of 24 hours.
    """
    launched_on = launched_at.astimezone(ZoneInfo(time_zone)).date()
    limit = launched_at + timedelta(days=longest_days)
    deadline_at = evening_of(launched_on + timedelta(days=days), time_zone)
    if deadline_at > limit:
        deadline_at = evening_of(launched_on + timedelta(days=days - 1), time_zone)
    return deadline_at


def longest_run(campaign: Campaign, rules: Rules) -> int:
    """Return how many days a campaign may run in all, its extension included."""
    if campaign.collection is Collection.ON_PLEDGE:
        return rules.on_pledge_longest_days
    return rules.on_success_longest_days


def check_readiness(campaign: Campaign, *, payments: Payments, rules: Rules) -> Readiness:
    """Tell what a launch still needs."""
    return Readiness(
        has_supporters=campaign.supporters_count >= rules.supporters_needed,
        is_owner_ready=payments.owner_is_ready(campaign.organisation_id, campaign.currency),
    )


def launch_campaign(
    campaign_id: str, *, actor: User, clock: Clock, payments: Payments, rules: Rules
) -> Campaign:
    """Open a campaign to pledges until the evening its duration leads to."""
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        campaign.check_is_in({CampaignStatus.GATHERING}, wanted=CampaignStatus.LIVE)
        ready = check_readiness(campaign, payments=payments, rules=rules)
        if not ready.has_supporters:
            raise CannotLaunchError(
                N_("Supporters so far: %(count)s, of the %(needed)s that a launch needs."),
                needed=rules.supporters_needed,
                count=campaign.supporters_count,
            )
        if not ready.is_owner_ready:
            raise CannotLaunchError(
                N_("Finish the registration with Stripe first: it is what the campaign is paid by.")
            )
        at = clock.now().replace(microsecond=0)
        campaign.launched_at = at
        campaign.deadline_at = last_evening(
            at,
            days=campaign.duration_days,
            time_zone=campaign.time_zone,
            longest_days=max(min(rules.longest_days, longest_run(campaign, rules)), 2),
        )
        campaign.move_to(CampaignStatus.LIVE)
        record(
            session,
            actor=actor.public_id,
            action="campaign.launched",
            subject=campaign.public_id,
            at=at,
        )
        tell_owner(session, campaign, "campaign_launched", at=at)
        return campaign


def evening_of(day: date, time_zone: str) -> datetime:
    """Return the last second of a day; of two, the later; a second skipped is the next one."""
    local = datetime.combine(day, _LAST_SECOND, tzinfo=ZoneInfo(time_zone)).replace(fold=1)
    return local.astimezone(UTC)
