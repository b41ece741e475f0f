"""What a launch needs, how long a campaign runs, and when it may be given more time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from campaigns.models import CampaignStatus, Collection, Outcome
from octo.errors import N_, ConflictError, InvalidError

SHORTEST_DAYS: Final = 2
_LAST_SECOND: Final = time(23, 59, 59)
_BEFORE_THE_VERDICT: Final = frozenset(
    {CampaignStatus.LIVE, CampaignStatus.SUSPENDED, CampaignStatus.CLOSING}
)


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


def has_supporters(count: int, *, needed: int) -> bool:
    """Tell whether enough people stand behind a launch."""
    return count >= needed


def check_can_launch(ready: Readiness, *, supporters_count: int, supporters_needed: int) -> None:
    """Raise ``CannotLaunchError`` with the first thing that a launch still needs."""
    if not ready.has_supporters:
        raise CannotLaunchError(
            N_("Supporters so far: %(count)s, of the %(needed)s that a launch needs."),
            needed=supporters_needed,
            count=supporters_count,
        )
    if not ready.is_owner_ready:
        raise CannotLaunchError(
            N_("Finish the registration with Stripe first: it is what the campaign is paid by.")
        )


def longest_run(collection: Collection, *, on_pledge_days: int, on_success_days: int) -> int:
    """Return how many days a campaign may run in all, its extension included.

    Money that is charged at once rests at Stripe until the end, which Stripe allows for 90 days.
    """
    return on_pledge_days if collection is Collection.ON_PLEDGE else on_success_days


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


def check_can_extend(*, is_open: bool, was_extended: bool, is_goal_reached: bool) -> None:
    """Raise ``CannotExtendError`` unless the owner may move the deadline: once, while needed."""
    if not is_open:
        raise CannotExtendError(N_("Only a running campaign can be extended."))
    if was_extended:
        raise CannotExtendError(N_("This campaign has had its one extension."))
    if is_goal_reached:
        raise CannotExtendError(N_("The goal is reached: the deadline stays."))


def check_extra_days(days: int, *, most: int) -> None:
    """Raise ``InvalidError`` unless an extension is of a day at least and of ``most`` at most."""
    if not 1 <= days <= most:
        raise InvalidError(
            N_("Enter a number of days, from 1 to %(most)s."), field="days", most=most
        )


def most_extra_days(
    *, launched_at: datetime, deadline_at: datetime, time_zone: str, longest_days: int
) -> int:
    """Return by how many days at most a running campaign may be extended."""
    limit = launched_at + timedelta(days=longest_days)
    days = range(longest_days, 0, -1)
    return next((n for n in days if extended(deadline_at, days=n, time_zone=time_zone) <= limit), 0)


def extended(deadline_at: datetime, *, days: int, time_zone: str) -> datetime:
    """Return the last second of the day ``days`` after a deadline's."""
    last_on = deadline_at.astimezone(ZoneInfo(time_zone)).date()
    return _evening_of(last_on + timedelta(days=days), time_zone)


def may_extend_for_outage(
    status: CampaignStatus, *, outcome: Outcome | None, canceled_at: datetime | None
) -> bool:
    """Tell whether a campaign stands between its launch and its verdict."""
    return status in _BEFORE_THE_VERDICT and outcome is None and canceled_at is None


def check_can_extend_for_outage(
    status: CampaignStatus, *, outcome: Outcome | None, canceled_at: datetime | None
) -> None:
    """Raise ``CannotExtendError`` unless an outage's time may be given back to a campaign."""
    if not may_extend_for_outage(status, outcome=outcome, canceled_at=canceled_at):
        raise CannotExtendError(
            N_("Only a campaign that is launched and not decided can be given more time.")
        )


def check_outage_deadline(
    until: datetime, *, deadline_at: datetime, first_deadline_at: datetime, at: datetime, hours: int
) -> None:
    """Raise ``InvalidError`` unless a new deadline is ahead, later than the present one, and near.

    However often it is moved, it stays within ``hours`` of what it was before the first time.
    """
    latest = first_deadline_at + timedelta(hours=hours)
    if not max(at, deadline_at) < until <= latest:
        raise InvalidError(
            N_(
                "The new deadline must be ahead, later than the present one, and at most "
                "%(hours)s hours after the first."
            ),
            field="until",
            hours=hours,
        )


def _evening_of(day: date, time_zone: str) -> datetime:
    """Return the last second of a day; of two, the later; a second skipped is the next one."""
    local = datetime.combine(day, _LAST_SECOND, tzinfo=ZoneInfo(time_zone)).replace(fold=1)
    return local.astimezone(UTC)
