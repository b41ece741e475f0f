"""Attempts: claimed by one, under a lease of machine time, fenced once it is lost."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from octo.clock import DatabaseClock
from octo.database import db, transaction
from payments.gateway.attempts import LEASE, Claimed, claim, lock_held, renew
from payments.gateway.facts import Refused
from payments.gateway.outcomes import record_results
from payments.gateway.runtime import payments_runtime
from payments.models import Attempt, AttemptKind, AttemptStatus, Refund
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment

CLOCK = DatabaseClock()

pytestmark = pytest.mark.both_engines


def planned_refunds(make: Make, moment: Moment, sandbox: SandboxClient, count: int = 3) -> None:
    """Plan refunds that nobody has sent: a failed campaign, its refunds still to be claimed."""
    sandbox.top_up(500_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    for _ in range(count):
        make.pledge(campaign, 15_00)
    moment.advance(days=21)
    sandbox.fault(method="POST", path="/v1/refunds", action="conflict", times=0)
    make.work()
    with transaction() as session:
        for attempt in session.scalars(
            sa.select(Attempt).where(Attempt.status == AttemptStatus.SENT)
        ):
            attempt.lease_until = None
    sandbox.clear_faults()


def claim_as(holder: str, *, later: timedelta = timedelta()) -> list[Claimed]:
    with transaction() as session:
        at = CLOCK.machine_now() + later
        return claim(
            session, holder=holder, capacities=dict.fromkeys(AttemptKind, 10), limit=10, at=at
        )


def test_what_one_worker_holds_no_other_takes(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    planned_refunds(make, moment, sandbox)

    assert len(claim_as("one")) == 3
    assert claim_as("two") == []


def test_a_dead_worker_is_taken_over_within_ten_seconds(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    planned_refunds(make, moment, sandbox)
    claim_as("one")

    assert timedelta() < LEASE <= timedelta(seconds=10)
    assert claim_as("two", later=LEASE - timedelta(seconds=1)) == []
    assert len(claim_as("two", later=LEASE + timedelta(seconds=1))) == 3


def test_a_living_worker_keeps_the_lease_of_what_it_knows_it_holds(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    planned_refunds(make, moment, sandbox)
    known, forgotten = (claims := claim_as("one"))[:2], claims[2:]
    with transaction() as session:
        soon = CLOCK.machine_now() + LEASE - timedelta(seconds=1)
        renew(session, known, holder="one", at=soon)

    taken = claim_as("two", later=LEASE + timedelta(seconds=1))
    assert [one.id for one in taken] == [one.id for one in forgotten]


def test_a_worker_that_lost_its_lease_cannot_write(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    planned_refunds(make, moment, sandbox, count=1)
    frozen = claim_as("frozen")
    taken = claim_as("awake", later=LEASE + timedelta(seconds=1))
    runtime = payments_runtime()

    record_results(
        [(frozen[0], Refused("nonsense", "from a worker that slept"))],
        settings=runtime.settings,
        clock=runtime.clock,
    )

    with transaction() as session:
        assert list(lock_held(session, frozen)) == []
        assert list(lock_held(session, taken)) == [taken[0].id]
        assert session.scalars(sa.select(Refund)).one().closed_at is None


def test_moving_business_time_expires_no_lease_and_no_key(
    make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    planned_refunds(make, moment, sandbox)
    claimed = claim_as("one")

    moment.advance(days=45)

    assert claim_as("two") == []
    assert not any(one.needs_lookup for one in claimed)
    again = claim_as("two", later=LEASE + timedelta(seconds=1))
    assert {one.key for one in again} == {one.key for one in claimed}
    assert not any(one.needs_lookup for one in again)
    db.session.rollback()


@pytest.mark.slow
def test_campaigns_and_kinds_take_turns(make: Make, moment: Moment, sandbox: SandboxClient) -> None:
    planned_refunds(make, moment, sandbox, count=6)
    planned_refunds(make, moment, sandbox, count=2)
    with transaction() as session:
        crowded, small = session.scalars(
            sa.select(Attempt.campaign_id)
            .where(Attempt.kind == AttemptKind.REFUND_CREATE)
            .group_by(Attempt.campaign_id)
            .order_by(sa.func.count().desc())
        )
        at = CLOCK.machine_now()
        capacities = {AttemptKind.REFUND_CREATE: 4}
        first = claim(session, holder="one", capacities=capacities, limit=10, at=at)
        second = claim(session, holder="one", capacities=capacities, limit=3, at=at)
        campaigns = dict(session.execute(sa.select(Attempt.id, Attempt.campaign_id)).all())

    assert [campaigns[one.id] for one in first] == [crowded, small, crowded, small]
    assert [campaigns[one.id] for one in second] == [crowded] * 3
