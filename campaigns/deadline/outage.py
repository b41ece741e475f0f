"""Move a deadline that an outage has spoiled: visible, on the record, and never far."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.events import CampaignEvent, record_campaign_event
from campaigns.launch.terms import rules_of
from campaigns.models import Campaign, CampaignStatus, OutageExtension
from campaigns.models.limits import LONGEST_REASON
from campaigns.permissions import DECIDE_CAMPAIGN
from campaigns.policy import launch as policy
from campaigns.settings import Rules
from octo.accounts.models import User
from octo.accounts.roles import BY_COMMAND
from octo.audit import record
from octo.clock import Clock
from octo.database import lock, reading, transaction
from octo.errors import N_, InvalidError
from octo.permissions import demand
from octo.text import clean_paragraphs


def extend_for_outage(
    campaign_id: str,
    *,
    until: datetime,
    reason: str,
    actor: User | None,
    clock: Clock,
    rules: Rules,
) -> Campaign:
    """Give a campaign the time that an outage took from it, by an act of a moderator's.

    Allowed until the verdict falls, also once the deadline has passed: pledging then opens
    again. However often, the deadline stays within ``outage_extension_hours`` of what it was
    before the first such extension. It uses none of the owner's own extension. Without an
    ``actor`` it is a command's act.
    """
    with transaction() as session:
        campaign = lock(session, Campaign, public_id=campaign_id)
        acted_by = _check_may_decide(actor, campaign)
        reason = clean_paragraphs(reason, field="reason", most=LONGEST_REASON, is_required=True)
        at = clock.now()
        policy.check_can_extend_for_outage(
            campaign.status, outcome=campaign.outcome, canceled_at=campaign.canceled_at
        )
        assert campaign.deadline_at is not None
        policy.check_outage_deadline(
            until,
            deadline_at=campaign.deadline_at,
            first_deadline_at=_first_deadline(session, campaign) or campaign.deadline_at,
            at=at,
            hours=rules_of(campaign, rules).outage_extension_hours,
        )
        session.add(
            OutageExtension(
                campaign_id=campaign.id,
                previous_deadline_at=campaign.deadline_at,
                deadline_at=until,
                reason=reason,
                extended_by=acted_by,
                extended_at=at,
            )
        )
        campaign.deadline_at = until
        if campaign.status is CampaignStatus.CLOSING:
            campaign.move_to(CampaignStatus.LIVE)
            campaign.closing_at = None
        record(
            session,
            actor=acted_by,
            action="campaign.extended_for_outage",
            subject=campaign.public_id,
            reason=reason,
            at=at,
            until=until.isoformat(),
        )
        record_campaign_event(
            session, campaign, CampaignEvent.EXTENDED_FOR_OUTAGE, at=at, reason=reason
        )
        return campaign


def _check_may_decide(actor: User | None, campaign: Campaign) -> str:
    """Return by whom it is done, as the trail names them; commands are always let in."""
    if actor is None:
        return BY_COMMAND
    demand(DECIDE_CAMPAIGN, actor, campaign)
    return actor.public_id


def may_extend_for_outage(campaign: Campaign) -> bool:
    """Tell whether the campaign stands between its launch and its verdict."""
    return policy.may_extend_for_outage(
        campaign.status, outcome=campaign.outcome, canceled_at=campaign.canceled_at
    )


def find_outage_extension(campaign: Campaign) -> OutageExtension | None:
    """Find the last extension of this kind, for the campaign's page."""
    with reading() as session:
        return session.scalars(
            sa.select(OutageExtension)
            .where(OutageExtension.campaign_id == campaign.id)
            .order_by(OutageExtension.id.desc())
            .limit(1)
        ).one_or_none()


def read_local(written: str, time_zone: str, *, field: str) -> datetime:
    """Read ``2026-12-03 20:00`` as the clocks of a place show it; an offset may follow.

    Of an hour that comes twice, the later is meant; one that is skipped is refused.
    """
    try:
        local = datetime.fromisoformat(written.strip())
    except ValueError as error:
        raise InvalidError(
            N_("Write a day and a time such as 2026-12-03 20:00."), field=field
        ) from error
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    zone = ZoneInfo(time_zone)
    instant = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local:
        raise InvalidError(N_("The clocks skip this hour: choose another."), field=field)
    return instant


def _first_deadline(session: Session, campaign: Campaign) -> datetime | None:
    """Return the deadline before the first extension of this kind, if there was one."""
    return session.scalar(
        sa.select(sa.func.min(OutageExtension.previous_deadline_at)).where(
            OutageExtension.campaign_id == campaign.id
        )
    )
