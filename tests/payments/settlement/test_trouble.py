"""A fault of the program in one step of a settlement wakes somebody; the others go on."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus
from octo.database import db
from payments.accounting.check import check_ledger
from payments.models import Freeze
from payments.settlement import close, settle
from tests.faults.finishing import finish, let_pauses_pass
from tests.make import Make
from tests.moment import Moment
from tests.visitor import Visitor, refresh

pytestmark = pytest.mark.fault("F42")

STEPS: Final = (
    (close, "_begin"),
    (close, "_end_unbegun_pledges"),
    (close, "resolve_open"),
    (close, "judge_campaign"),
    (settle, "end_pledges"),
    (settle, "_plan_refunds"),
    (settle, "mark_settled_if_done"),
)


def plant(
    monkeypatch: pytest.MonkeyPatch,
    place: ModuleType,
    step: str,
    spoilt: Campaign,
    error: Exception,
) -> None:
    """Have one step fail for one campaign."""
    right: Callable[..., Any] = getattr(place, step)
    campaign_id = spoilt.id

    def wrong(named: int, *others: Any, **options: Any) -> Any:
        if named == campaign_id:
            raise error
        return right(named, *others, **options)

    monkeypatch.setattr(place, step, wrong)


def status_of(campaign: Campaign) -> CampaignStatus:
    refresh()
    return db.session.get_one(Campaign, campaign.id).status


def alarms(client: Visitor) -> list[str]:
    told: Any = client.get("/alerts").json
    return [one["code"] for one in told["reasons"]]


@pytest.mark.parametrize(("place", "step"), STEPS, ids=[step for _, step in STEPS])
def test_a_fault_in_any_step_alarms_at_once_and_stops_that_campaign_alone(
    make: Make,
    client: Visitor,
    monkeypatch: pytest.MonkeyPatch,
    place: ModuleType,
    step: str,
) -> None:
    moment = make.moment
    moment.sandbox.top_up(100_00)
    spoilt, other = (make.live_campaign(goal=1_000_00, days=20) for _ in range(2))
    for campaign in (spoilt, other):
        make.pledge(campaign, 15_00)
    make.work()
    plant(monkeypatch, place, step, spoilt, TypeError("planted"))
    moment.advance(days=21)

    for _ in range(3):
        make.work()
        let_pauses_pass(make)

    assert status_of(other) is CampaignStatus.SETTLED
    assert status_of(spoilt) is not CampaignStatus.SETTLED
    assert "campaign_frozen" in alarms(client)
    reason = db.session.scalars(sa.select(Freeze.reason)).one()
    assert reason == "TypeError('planted')"
    assert check_ledger(db.session()).faults == ()


def test_what_passes_by_itself_freezes_nothing(
    make: Make, moment: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.work()
    locked = sa.exc.OperationalError("UPDATE", {}, Exception("database is locked"))
    moment.advance(days=21)

    with monkeypatch.context() as patched:
        plant(patched, close, "judge_campaign", campaign, locked)
        make.work()
    assert db.session.scalars(sa.select(Freeze)).all() == []

    finish(make)
    assert status_of(campaign) is CampaignStatus.SETTLED
