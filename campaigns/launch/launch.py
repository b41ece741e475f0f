"""Launch a campaign, give it its one extension, or call it off."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus, Collection
from campaigns.ports import Payments
from campaigns.team.access import lock_own
from campaigns.team.mails import tell_owner
from octo.accounts.models import User
from octo.audit import record
from octo.clock import Clock
from octo.config import Rules
from octo.database import lock, transaction
from octo.errors import N_, ConflictError, InvalidError
from octo.text import clean_paragraphs

LONGEST_REASON: Final = 2_000
_LAST_SECOND: Final = time(23, 59, 59)


class CannotLaunchError(ConflictError):
    """Something the launch needs is not there yet."""

    code = "cannot_launch"


class CannotExtendError(ConflictError):
    """The campaign has no extension to ask for."""

    code = "cannot_extend"


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
    deadline_at = _evening_of(launched_on + timedelta(days=days), time_zone)
    if deadline_at > limit:
        deadline_at = _evening_of(launched_on + timedelta(days=days - 1), time_zone)
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
        _note(session, actor, campaign, "campaign.launched", reason="", at=at)
        tell_owner(session, campaign, "campaign_launched", at=at)
        return campaign


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
        _note(session, actor, campaign, "campaign.extended", reason="", at=at, days=days)
        tell_owner(session, campaign, "campaign_extended", at=at)
        return campaign


def most_extra_days(campaign: Campaign, rules: Rules) -> int:
    """Return by how many days at most a running campaign may be extended."""
    assert campaign.launched_at is not None
    limit = campaign.launched_at + timedelta(days=longest_run(campaign, rules))
    days = range(longest_run(campaign, rules), 0, -1)
    return next((n for n in days if _extended(campaign, n) <= limit), 0)


def cancel_own_campaign(campaign_id: str, *, reason: str, actor: User, clock: Clock) -> Campaign:
    """Call a running campaign off; every pledge is given back as if the goal were missed."""
    with transaction() as session:
        campaign = lock_own(session, campaign_id=campaign_id, actor=actor)
        _cancel(session, campaign, reason=reason, actor=actor, at=clock.now())
        return campaign


def cancel_campaign(campaign_id: str, *, reason: str, actor: User, clock: Clock) -> Campaign:
    """Call a running campaign off as a moderator."""
    with transaction() as session:
        campaign = lock(session, Campaign, public_id=campaign_id)
        _cancel(session, campaign, reason=reason, actor=actor, at=clock.now())
        return campaign


def _cancel(
    session: Session, campaign: Campaign, *, reason: str, actor: User, at: datetime
) -> None:
    reason = clean_paragraphs(reason, field="reason", most=LONGEST_REASON, is_required=True)
    campaign.move_to(CampaignStatus.CLOSING)
    campaign.canceled_at = at
    campaign.closing_at = at
    _note(session, actor, campaign, "campaign.canceled", reason=reason, at=at)
    tell_owner(session, campaign, "campaign_canceled", at=at, reason=reason)


def _extended(campaign: Campaign, days: int) -> datetime:
    assert campaign.deadline_at is not None
    last_on = campaign.deadline_at.astimezone(ZoneInfo(campaign.time_zone)).date()
    return _evening_of(last_on + timedelta(days=days), campaign.time_zone)


def _evening_of(day: date, time_zone: str) -> datetime:
    """Return the last second of a day; of two, the later; a second skipped is the next one."""
    local = datetime.combine(day, _LAST_SECOND, tzinfo=ZoneInfo(time_zone)).replace(fold=1)
    return local.astimezone(UTC)


def _note(
    session: Session,
    actor: User,
    campaign: Campaign,
    action: str,
    *,
    reason: str,
    at: datetime,
    days: int = 0,
) -> None:
    record(
        session,
        actor=actor.public_id,
        action=action,
        subject=campaign.public_id,
        reason=reason,
        at=at,
        days=days,
    )
