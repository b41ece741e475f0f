"""F34: the owner edits, deletes, is stopped or leaves while pledges stand: refused or on record."""

from http import HTTPStatus
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Outcome
from octo.accounts.models import RoleName, User
from octo.audit import AuditEvent
from octo.database import db, transaction
from payments.accounting import chart
from payments.accounting.check import check_ledger
from payments.ledger.balances import balance_of
from stripe_sandbox.client import SandboxClient
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.obligations import owner_of
from tests.visitor import Visitor, refresh

TERMS: Final = {
    "goal": "1",
    "duration_days": "5",
    "category": "food",
    "time_zone": "UTC",
    "currency": "USD",
}

pytestmark = [pytest.mark.fault("F34"), pytest.mark.dates]


def again(campaign: Campaign) -> Campaign:
    refresh()
    return db.session.get_one(Campaign, campaign.id)


def terms_of(campaign: Campaign) -> tuple[object, ...]:
    seen = again(campaign)
    return seen.goal_amount, seen.currency, seen.deadline_at, seen.collection, seen.time_zone


@pytest.fixture
def signed_in(make: Make, client: Visitor) -> tuple[Visitor, Campaign]:
    """Give an owner with a campaign that somebody has pledged to."""
    campaign = make.live_campaign(goal=1_000_00, days=20)
    make.pledge(campaign, 15_00, tip=1_00)
    client.sign_in(owner_of(campaign).email, PASSWORD)
    return client, campaign


def post(client: Visitor, path: str, **fields: str) -> int:
    page = client.page("/account")
    token = page.xpath("//input[@name='csrf_token']/@value")[0]
    return client.post(path, data={**fields, "csrf_token": token}).status_code


def test_terms_that_people_pledged_on_are_not_edited_and_nothing_is_deleted(
    signed_in: tuple[Visitor, Campaign],
) -> None:
    client, campaign = signed_in
    before = terms_of(campaign)
    at = f"/owner/campaigns/{campaign.public_id}"

    for path, fields in (
        (f"{at}/terms", TERMS),
        (f"{at}/costs", {"label-0": "Tout", "amount-0": "1"}),
        (f"{at}/delete", {}),
        (f"{at}/withdraw", {}),
    ):
        assert post(client, path, **fields) == HTTPStatus.CONFLICT, path

    assert terms_of(campaign) == before
    assert again(campaign).status is CampaignStatus.LIVE


def test_the_deadline_moves_once_by_the_owner_and_the_trail_says_so(
    signed_in: tuple[Visitor, Campaign],
) -> None:
    client, campaign = signed_in
    before = again(campaign).deadline_at
    at = f"/owner/campaigns/{campaign.public_id}"

    assert post(client, f"{at}/extend", days="5") == HTTPStatus.SEE_OTHER
    moved = again(campaign).deadline_at
    assert post(client, f"{at}/extend", days="5") == HTTPStatus.CONFLICT

    assert again(campaign).deadline_at == moved
    assert moved != before
    acts = db.session.scalars(
        sa.select(AuditEvent.action).filter_by(subject=campaign.public_id)
    ).all()
    assert acts.count("campaign.extended") == 1


def test_a_campaign_that_is_stopped_gives_everything_back_at_its_deadline(
    app: Flask,
    make: Make,
    moment: Moment,
    sandbox: SandboxClient,
    signed_in: tuple[Visitor, Campaign],
) -> None:
    sandbox.top_up(100_00)
    _, campaign = signed_in
    moderator = app.test_client()
    assert isinstance(moderator, Visitor)
    moderator.sign_in(make.user(roles=(RoleName.MODERATOR,)).email, PASSWORD)
    moderator.submit(
        f"/moderation/{campaign.public_id}",
        {"reason": "L’organisation est dissoute.", "act": "suspend"},
        form=f"/moderation/{campaign.public_id}",
    )
    with transaction() as session:
        session.get_one(User, owner_of(campaign).id).active = False

    moment.advance(days=21)
    make.work()

    seen = again(campaign)
    assert (seen.status, seen.outcome) == (CampaignStatus.SETTLED, Outcome.CANCELED)
    assert [one["amount"] for one in sandbox.every("/v1/refunds")] == [16_00]
    assert balance_of(chart.campaign_funds(campaign)) == 0
    assert check_ledger(db.session()).faults == ()


def test_an_owner_leaves_when_all_is_settled_and_the_books_keep_their_figures(
    make: Make, moment: Moment, sandbox: SandboxClient, signed_in: tuple[Visitor, Campaign]
) -> None:
    sandbox.top_up(100_00)
    client, campaign = signed_in
    owner = owner_of(campaign)
    erase = {"password": PASSWORD}

    refused = client.submit("/account/erase", erase, form="/erase")
    moment.advance(days=21)
    make.work()
    booked = balance_of(chart.STRIPE_BALANCE)
    client.submit("/account/erase", erase, form="/erase")

    assert refused.status_code == HTTPStatus.CONFLICT
    refresh()
    gone = db.session.get_one(User, owner.id)
    assert gone.erased_at is not None
    assert gone.email.endswith("@erased.invalid")
    assert balance_of(chart.STRIPE_BALANCE) == booked
    assert check_ledger(db.session()).faults == ()
    trail = sa.select(AuditEvent.actor).filter_by(action="user.erased")
    assert db.session.scalars(trail).all() == [owner.public_id]
