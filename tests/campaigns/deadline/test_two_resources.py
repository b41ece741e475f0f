"""A goal of money and of hours: each line of ``docs/collection.md`` again, made by the hours.

The hours are a resource of their own, kept in memory. Of money there is always enough here, and
never anything in flight.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from campaigns.policy.verdict import ResourceState, Step
from campaigns.resources import bind_resource, resources_of
from octo.audit import AuditEvent
from octo.database import db
from payments.accounting import chart
from payments.models import Settlement
from stripe_sandbox.client import SandboxClient
from tests.campaigns.deadline.test_collection_table import DAYS, OTHER_STEPS, Line, Play, read_lines
from tests.make import Make
from tests.obligations import balance_of, check_books
from tests.visitor import Visitor

GOAL: Final = 40


@dataclass
class Hours:
    """Hours that people promise to a campaign, and what became of them."""

    promised: int = GOAL
    unanswered: int = 0
    still_to_come: int = 0
    given: int = GOAL
    ended_as: list[str] = field(default_factory=list)

    def read_state(self, session: Session, campaign: Campaign, *, at: datetime) -> ResourceState:
        del session, campaign, at
        return ResourceState(
            is_in_flight=self.unanswered > 0,
            is_reached=self.promised >= GOAL,
            is_window_open=self.still_to_come > 0,
            is_short=self.given < GOAL,
            figures={"given_hours": self.given},
        )

    def count_collected(self, session: Session, campaign: Campaign) -> None:
        del session, campaign

    def confirm(self, session: Session, campaign: Campaign, *, at: datetime) -> None:
        del session, campaign, at
        self.ended_as.append("confirmed")

    def release(self, session: Session, campaign: Campaign, *, at: datetime) -> None:
        del session, campaign, at
        self.ended_as.append("released")


@pytest.fixture
def hours(app: Flask) -> Iterator[Hours]:
    """Have every campaign of the site ask for hours too."""
    made = Hours()
    bind_resource(app, made)
    yield made
    app.extensions["campaigns.resources"].remove(made)


def as_written(hours: Hours, line: Line) -> None:
    """Have the hours, and not the money, make what a line speaks of."""
    if line.is_goal_reached == "no":
        hours.promised = GOAL - 1
    if line.is_in_flight == "yes":
        hours.unanswered = 1
    if line.is_window_open == "yes":
        hours.still_to_come = 5
    if line.is_short == "yes":
        hours.given = GOAL - 1


@pytest.mark.slow
@pytest.mark.parametrize("line", read_lines(), ids=lambda line: f"{line.collection}-{line.then}")
def test_a_line_made_by_the_hours_is_played_as_one_made_by_money(
    line: Line, hours: Hours, make: Make, client: Visitor, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    as_written(hours, line)
    play = Play(line, line.collections[-1], make, client)
    pledges = [make.pledge(play.campaign, amount) for amount in (60_00, 50_00)]
    make.moment.advance(days=DAYS, hours=-0.2)
    if line.is_canceled == "yes":
        play.cancel()
    if line.is_over == "yes":
        make.moment.advance(hours=0.3)

    make.work()

    db.session.expire_all()
    campaign = db.session.get_one(Campaign, play.campaign.id)
    paid = {one["id"]: one["amount"] for one in sandbox.every("/v1/charges") if one["paid"]}
    refunds = {one["charge"]: one["amount"] for one in sandbox.every("/v1/refunds")}
    match Step(line.then):
        case Step.GIVE_BACK:
            canceled = Outcome.CANCELED if line.is_canceled == "yes" else Outcome.FAILED
            assert (campaign.status, campaign.outcome) == (CampaignStatus.SETTLED, canceled)
            assert refunds == paid
            assert hours.ended_as == ["released"]
        case Step.SETTLE:
            document = db.session.scalars(sa.select(Settlement)).one()
            assert (campaign.outcome, document.gross_amount) == (Outcome.SUCCEEDED, 110_00)
            assert {db.session.get_one(Pledge, one.id).status for one in pledges} == {
                PledgeStatus.COLLECTED
            }
            assert refunds == {}
            assert hours.ended_as == ["confirmed"]
        case step:
            assert (campaign.status, campaign.outcome) == OTHER_STEPS[step]
            assert (refunds, hours.ended_as) == ({}, [])
    if campaign.status is CampaignStatus.SETTLED:
        assert balance_of(chart.campaign_funds(campaign)) == 0
    check_books(sandbox)


@pytest.mark.slow
def test_the_second_verdict_records_what_came_in_of_each(
    hours: Hours, make: Make, client: Visitor, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    (line,) = (one for one in read_lines() if one.is_short == "yes")
    as_written(hours, line)
    play = Play(line, line.collections[-1], make, client)
    make.pledge(play.campaign, 110_00)
    make.moment.advance(days=DAYS, hours=1)

    make.work()

    trail = sa.select(AuditEvent.details).where(AuditEvent.action == "campaign.collected")
    told = db.session.scalars(trail).one()
    assert (told["collected_amount"], told["given_hours"]) == (110_00, GOAL - 1)
    assert resources_of(make.app)[-1] is hours
