"""Money moves only on books just compared: a campaign that differs waits, and the others go on."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus
from migrations import triggers
from octo.accounts.models import RoleName
from octo.audit import AuditEvent
from octo.database import db, transaction
from octo.scheduler import jobs
from payments.models import BooksState, Discrepancy, Reconciliation
from stripe_sandbox.client import SandboxClient
from tests.make import PASSWORD, Make
from tests.visitor import Visitor, refresh

DIFFERENCES: Final = "/treasury/differences"

pytestmark = pytest.mark.both_engines


def drift(charge_id: str | None, *, by: int) -> None:
    """Have our books say another amount than Stripe does, as a hand in the database would."""
    db.session.rollback()
    with db.engine.begin() as connection:
        triggers.drop(connection, *triggers.IMMUTABLE)
        connection.execute(
            sa.text(
                "UPDATE stripe_movement SET amount = amount + :by, fee = fee + :by"
                " WHERE source = :id"
            ),
            {"by": by, "id": charge_id},
        )
        triggers.create(connection, *triggers.IMMUTABLE)


def explain(client: Visitor, one: Discrepancy, reason: str) -> int:
    address = f"{DIFFERENCES}/one?{urlencode({'kind': one.kind, 'subject': one.subject})}"
    return client.submit(address, {"reason": reason}, follow=False).status_code


def status_of(campaign_id: int) -> CampaignStatus:
    refresh()
    return db.session.get_one(Campaign, campaign_id).status


def test_a_campaign_that_differs_waits_until_somebody_explains_it(
    app: Flask, client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    sandbox.top_up(500_00)
    drifting = make.live_campaign(goal=1_000_00, days=20)
    other = make.live_campaign(goal=1_000_00, days=20)
    pledge = make.pledge(drifting, 15_00)
    make.pledge(other, 20_00)
    drift(make.payment(pledge).stripe_charge_id, by=7)
    make.moment.advance(days=21)

    due = make.work()

    assert [one["amount"] for one in sandbox.every("/v1/refunds")] == [20_00]
    assert status_of(other.id) is CampaignStatus.SETTLED
    assert any("explain where the books differ" in reason for reason in due.waiting)

    treasurer = make.user("Maëlle", roles=(RoleName.TREASURER,))
    client.sign_in(treasurer.email, PASSWORD)
    page = client.get(DIFFERENCES).text
    found = db.session.scalars(sa.select(Discrepancy).where(Discrepancy.opened())).all()
    assert {one.campaign_id for one in found} == {drifting.id}
    for one in found:
        assert one.subject in page
        assert explain(client, one, " ") == 422
        assert explain(client, one, "Un essai fait à la main") == 303
    make.work()

    assert sorted(one["amount"] for one in sandbox.every("/v1/refunds")) == [15_00, 20_00]
    assert status_of(drifting.id) is CampaignStatus.SETTLED
    acts = sa.select(AuditEvent.actor).where(AuditEvent.action == "discrepancy.explained")
    assert set(db.session.scalars(acts)) == {treasurer.public_id}


def test_an_explanation_holds_for_this_very_difference_alone(make: Make, client: Visitor) -> None:
    pledge = make.pledge(make.live_campaign(), 15_00)
    make.work()
    charge = make.payment(pledge).stripe_charge_id
    drift(charge, by=7)
    _compare_everything(make)
    client.sign_in(make.user("Maëlle", roles=(RoleName.TREASURER,)).email, PASSWORD)
    [one] = db.session.scalars(sa.select(Discrepancy).where(Discrepancy.kind == "different"))
    assert explain(client, one, "Un essai") == 303

    _compare_everything(make)
    db.session.refresh(one)
    assert not one.is_open
    drift(charge, by=1)
    _compare_everything(make)
    db.session.refresh(one)

    assert one.is_open


def test_a_comparison_holds_a_quarter_of_an_hour_and_is_made_again_before_money_moves(
    make: Make, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(campaign, 15_00)
    make.work()
    with transaction() as session:
        row = session.get_one(Reconciliation, 1)
        assert row.state is BooksState.CURRENT
        assert row.compared_at is not None
        row.compared_at -= timedelta(minutes=16)
    before = len(sandbox.requests())
    make.moment.advance(days=21)

    make.work()

    asked = [(one["method"], one["path"]) for one in sandbox.requests()[before:]]
    assert asked.index(("GET", "/v1/balance_transactions")) < asked.index(("POST", "/v1/refunds"))
    assert status_of(campaign.id) is CampaignStatus.SETTLED


def _compare_everything(make: Make) -> None:
    with transaction() as session:
        session.get_one(Reconciliation, 1).is_whole_wanted = True
    make.work()


def test_on_a_database_that_took_over_nothing_is_judged_before_it_was_compared(
    app: Flask, make: Make
) -> None:
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(campaign, 15_00)
    make.work()
    make.moment.advance(days=21)
    with transaction() as session:
        session.get_one(Reconciliation, 1).epoch = "of the server before"

    report = jobs(app)["close_campaigns"].run()

    assert (report.done, len(report.waiting)) == (0, 1)
    assert status_of(campaign.id) is CampaignStatus.LIVE
    make.work()
    assert status_of(campaign.id) is not CampaignStatus.LIVE
