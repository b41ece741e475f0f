"""The refunds of a big campaign are planned a few at a time."""

from typing import Final

import pytest
import sqlalchemy as sa

from octo.database import db
from payments.models import Attempt, AttemptKind, Refund
from payments.settlement.settle import BATCH
from tests.crowd import gather, movements_of_nowhere
from tests.make import Make
from tests.moment import Moment
from tests.obligations import tick

PLEDGES: Final = 2 * BATCH + 30

pytestmark = pytest.mark.both_engines


def test_whoever_writes_outcomes_down_never_waits_for_the_planning_of_many(
    make: Make, moment: Moment
) -> None:
    campaign = make.live_campaign(goal=10**9, days=20)
    assert gather(campaign, movements_of_nowhere(PLEDGES)) == PLEDGES
    moment.advance(days=21)

    tick(make, "close_campaigns", "settle_campaigns")

    db.session.rollback()
    planned = sa.select(sa.func.count()).where(Attempt.kind == AttemptKind.REFUND_CREATE)
    assert db.session.scalar(planned) == PLEDGES
    in_one_commit = sa.select(sa.func.count()).select_from(Refund).group_by(Refund.requested_at)
    assert sorted(db.session.scalars(in_one_commit)) == [30, BATCH, BATCH]
