"""Money as a resource of a goal: it answers how it stands, campaigns decide."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus, Pledge, PledgeStatus
from campaigns.policy.verdict import ResourceState
from octo.clock import Clock
from octo.config import Settings
from payments.context import Context
from payments.documents.counted import HAS_PAYMENT, IS_PAID, read_counted
from payments.documents.settlements import issue_settlement
from payments.settlement.open_payments import list_unresolved


@dataclass(frozen=True)
class Money:
    """What ``campaigns.resources.Resource`` asks of the money of a campaign."""

    settings: Settings
    clock: Clock

    def read_state(self, session: Session, campaign: Campaign, *, at: datetime) -> ResourceState:
        """Return how the money stands: what is pledged at the deadline, later what came in."""
        if campaign.status is CampaignStatus.COLLECTING:
            return _while_collecting(session, campaign, at=at)
        return ResourceState(
            is_in_flight=bool(list_unresolved(session, campaign.id)),
            is_reached=campaign.is_goal_reached,
            is_window_open=True,  # nobody has been charged for a saved card yet
            is_short=True,
        )

    def confirm(self, session: Session, campaign: Campaign, *, at: datetime) -> None:
        """Issue the owner's settlement document on what was collected."""
        context = Context(self.settings, now=at, machine_now=self.clock.machine_now())
        issue_settlement(session, campaign, context=context)

    def release(self, session: Session, campaign: Campaign, *, at: datetime) -> None:
        """Leave it to the settling: refunds are planned from there, a batch a commit."""

    def count_collected(self, session: Session, campaign: Campaign) -> None:
        """Have the campaign count what was paid: what was not is no more."""
        paid = sa.select(sa.func.count()).where(
            Pledge.campaign_id == campaign.id, Pledge.status == PledgeStatus.ACTIVE, IS_PAID
        )
        campaign.pledged_amount = read_collected_amount(session, campaign)
        campaign.backers_count = session.scalar(paid) or 0


def _while_collecting(session: Session, campaign: Campaign, *, at: datetime) -> ResourceState:
    assert campaign.collecting_ends_at is not None
    collected_amount = read_collected_amount(session, campaign)
    has_untried = _is_any(session, campaign, ~HAS_PAYMENT)
    has_uncollected = _is_any(session, campaign, ~IS_PAID)
    return ResourceState(
        is_in_flight=has_untried or bool(list_unresolved(session, campaign.id)),
        is_reached=True,
        is_window_open=has_uncollected and at < campaign.collecting_ends_at,
        is_short=collected_amount < campaign.goal_amount,
        figures={"collected_amount": collected_amount},
    )


def read_collected_amount(session: Session, campaign: Campaign) -> int:
    """Return what counts towards the goal of what has come in, in minor units."""
    return read_counted(session, Pledge.campaign_id == campaign.id, IS_PAID)


def _is_any(session: Session, campaign: Campaign, condition: sa.ColumnElement[bool]) -> bool:
    active = sa.select(Pledge.id).where(
        Pledge.campaign_id == campaign.id, Pledge.status == PledgeStatus.ACTIVE, condition
    )
    return session.scalar(active.limit(1)) is not None
