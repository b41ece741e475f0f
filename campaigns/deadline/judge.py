"""Give a campaign its verdict, by how each of its resources stands."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from campaigns.deadline.transitions import begin_collecting, decide, end_collecting
from campaigns.models import Campaign, CampaignStatus, Outcome
from campaigns.policy.verdict import (
    ResourceState,
    Step,
    VerdictInputs,
    gather_figures,
    gather_inputs,
    next_step,
    outcome_of,
)
from campaigns.resources import Resource
from octo.clock import Clock
from octo.database import lock, transaction


def judge_campaign(
    campaign_id: int, *, resources: Sequence[Resource], clock: Clock, repair_days: int
) -> Step:
    """Judge a campaign that is closing, and with the verdict do what follows, in one commit.

    With success each resource confirms what it has, or the days begin in which what was promised is
    collected and repaired: those written on the campaign, ``repair_days`` where none are. Returns
    what was done; any number of workers may ask.
    """
    with transaction() as session:
        campaign = lock(session, Campaign, id=campaign_id)
        if campaign.status is not CampaignStatus.CLOSING:
            return Step.WAIT
        at = clock.now()
        step = next_step(read_inputs(session, campaign, resources, at=at))
        if step is Step.COLLECT:
            ends_at = at + timedelta(days=campaign.repair_days or repair_days)
            begin_collecting(session, campaign, ends_at=ends_at, at=at)
        elif outcome := outcome_of(step, is_canceled=campaign.canceled_at is not None):
            decide(session, campaign, outcome=outcome, at=at)
            _follow(session, campaign, resources, at=at)
        return step


def judge_again(campaign_id: int, *, resources: Sequence[Resource], clock: Clock) -> Step:
    """Judge a campaign on what was collected, once nothing more can come.

    Returns what was done, or what is waited for.
    """
    with transaction() as session:
        campaign = lock(session, Campaign, id=campaign_id)
        if campaign.status is not CampaignStatus.COLLECTING:
            return Step.WAIT
        at = clock.now()
        states = read_states(session, campaign, resources, at=at)
        step = next_step(_gather(campaign, states))
        if step in {Step.SETTLE, Step.GIVE_BACK}:
            outcome = outcome_of(step, is_canceled=False)
            assert outcome is not None
            figures = gather_figures(states)
            for resource in resources:
                resource.count_collected(session, campaign)
            end_collecting(session, campaign, outcome=outcome, figures=figures, at=at)
            _follow(session, campaign, resources, at=at)
        return step


def read_inputs(
    session: Session, campaign: Campaign, resources: Sequence[Resource], *, at: datetime
) -> VerdictInputs:
    """Return all that decides the next verdict of a campaign whose deadline has passed."""
    return _gather(campaign, read_states(session, campaign, resources, at=at))


def read_states(
    session: Session, campaign: Campaign, resources: Sequence[Resource], *, at: datetime
) -> list[ResourceState]:
    """Return how each resource of a campaign stands."""
    assert resources, "a goal is made of something"
    return [one.read_state(session, campaign, at=at) for one in resources]


def _gather(campaign: Campaign, states: Sequence[ResourceState]) -> VerdictInputs:
    return gather_inputs(
        states,
        collection=campaign.collection,
        is_over=True,
        is_canceled=campaign.canceled_at is not None,
        outcome=campaign.outcome,
    )


def _follow(
    session: Session, campaign: Campaign, resources: Sequence[Resource], *, at: datetime
) -> None:
    for resource in resources:
        if campaign.outcome is Outcome.SUCCEEDED:
            resource.confirm(session, campaign, at=at)
        else:
            resource.release(session, campaign, at=at)
