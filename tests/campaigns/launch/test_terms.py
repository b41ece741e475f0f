"""The terms a campaign is launched under: no setting that changes later reprices or moves it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Collection, Outcome
from octo.accounts.models import RoleName, User
from octo.database import db, transaction
from payments.models import Settlement
from stripe_sandbox.client import VISA, SandboxClient
from tests.campaigns.deadline.test_collection_table import DECLINED_LATER
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.obligations import again, check_books, documents, owner_of
from tests.octo.mail.mailbox import Mailbox
from tests.site import build_app, close, quickened
from tests.visitor import Visitor, refresh

pytestmark = pytest.mark.fault("F44")

CHANGED = {
    "OCTO_PLATFORM_FEE": "0.5",
    "OCTO_VAT": "0.055",
    "OCTO_REPAIR_DAYS": "2",
    "OCTO_ON_PLEDGE_LONGEST_DAYS": "21",
    "OCTO_ON_SUCCESS_LONGEST_DAYS": "21",
    "OCTO_CANCEL_LOCKED_HOURS": "720",
    "OCTO_OUTAGE_EXTENSION_HOURS": "1",
}


@pytest.fixture
def changed(environ: dict[str, str], app: Flask) -> Iterator[Flask]:
    """Give the site as it is started again with other settings."""
    other = quickened(build_app({**environ, **CHANGED}))
    yield other
    close(other)


def visitor(app: Flask, user: User | None = None) -> Visitor:
    client = app.test_client()
    assert isinstance(client, Visitor)
    if user is not None:
        client.sign_in(user.email, PASSWORD)
    return client


def launch(make: Make, collection: Collection = Collection.ON_PLEDGE) -> Campaign:
    """Launch a campaign of 50 € for twenty days, through its page."""
    campaign = make.gathering_campaign(goal=50_00, days=20)
    make.onboard(campaign.organisation)
    with transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        found.supporters_count = 3
        found.collection = collection
    path = f"/owner/campaigns/{campaign.public_id}"
    visitor(make.app, owner_of(campaign)).submit(path, form="/launch")
    assert again(campaign).status is CampaignStatus.LIVE
    return again(campaign)


def run(app: Flask, *arguments: str) -> str:
    with app.app_context():
        ran = app.test_cli_runner().invoke(args=list(arguments))
    assert ran.exit_code in {0, 1, 3}, ran.output
    refresh()
    return str(ran.output)


def test_fee_and_vat_are_those_of_the_launch(
    make: Make, moment: Moment, sandbox: SandboxClient, changed: Flask
) -> None:
    campaign = launch(make)
    make.pledge(campaign, 60_00)
    moment.advance(days=21)

    planned: Any = json.loads(run(changed, "settle", "--rehearse", "--json", campaign.slug))
    run(changed, "worker", "--once")

    assert again(campaign).outcome is Outcome.SUCCEEDED
    (settled,) = db.session.scalars(sa.select(Settlement))
    assert (settled.fee_rate, settled.vat_rate) == ("0.07", "0.20")
    assert documents(campaign) == [("main", 60_00, 60_00 - 4_20 - 84)]
    assert planned["campaigns"][0]["figures"]["net_amount"] == 60_00 - 4_20 - 84
    check_books(sandbox)


def test_the_days_to_repair_a_card_are_those_of_the_launch(
    make: Make, moment: Moment, changed: Flask
) -> None:
    campaign = launch(make, Collection.ON_SUCCESS)
    make.pledge(campaign, 60_00, card=VISA)
    make.pledge(campaign, 20_00, card=DECLINED_LATER)
    wish = {"amount": "12", "email": "lena@example.org"}

    said = visitor(changed).submit(f"/campaigns/{campaign.slug}/pledge", wish).text
    moment.advance(days=21)
    run(changed, "worker", "--once")

    collecting = again(campaign)
    assert "7 jours" in said.replace("\u00a0", " ")
    assert collecting.status is CampaignStatus.COLLECTING
    assert collecting.decided_at is not None
    assert collecting.collecting_ends_at == collecting.decided_at + timedelta(days=7)


def test_the_owner_extends_by_what_the_launch_allowed(make: Make, changed: Flask) -> None:
    campaign = launch(make)
    path = f"/owner/campaigns/{campaign.public_id}"

    visitor(changed, owner_of(campaign)).submit(path, {"days": "50"}, form="/extend")

    assert again(campaign).extended_at is not None


def test_a_moderator_gives_the_hours_of_the_launch_back_after_an_outage(
    make: Make, changed: Flask
) -> None:
    campaign = launch(make)
    assert campaign.deadline_at is not None
    path = f"/moderation/{campaign.public_id}/extend"
    until = campaign.deadline_at + timedelta(hours=60)
    moderator = visitor(changed, make.user(roles=(RoleName.MODERATOR,)))

    said = moderator.get(path).text
    moderator.submit(path, {"until": until.isoformat(), "reason": "Une panne."}, form="/extend")

    assert "72" in said
    assert again(campaign).deadline_at == until


def test_a_backer_may_cancel_for_as_long_as_at_the_launch(
    app: Flask, make: Make, moment: Moment, changed: Flask
) -> None:
    campaign = launch(make)
    pledge = make.pledge(campaign, 60_00)
    receipt = Mailbox(app).link_to(pledge.email, "/pledges/")
    moment.advance(days=10)

    assert '/cancel"' in visitor(changed).get(receipt).text


@pytest.mark.both_engines
def test_what_runs_gets_the_present_terms_and_what_was_settled_keeps_its_own(
    app: Flask, make: Make, moment: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid = launch(make)
    make.pledge(paid, 60_00)
    moment.advance(days=21)
    make.work()
    ways = [launch(make, one) for one in Collection]
    draft = make.gathering_campaign()
    for name, value in CHANGED.items():
        monkeypatch.setenv(name, value)
    refresh()
    written = sa.text(
        "SELECT fee_rate, vat_rate, repair_days, longest_days, cancel_locked_hours,"
        " outage_extension_hours FROM campaign WHERE id = :id"
    )

    assert app.test_cli_runner().invoke(args=["db", "downgrade", "0018"]).exit_code == 0
    columns = {column["name"] for column in sa.inspect(db.engine).get_columns("campaign")}
    monkeypatch.setenv("OCTO_ON_SUCCESS_LONGEST_DAYS", "30")
    assert app.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0

    assert "fee_rate" not in columns
    found = [
        tuple(db.session.execute(written, {"id": one.id}).one()) for one in (paid, *ways, draft)
    ]
    assert found == [
        ("0.07", "0.20", 2, 21, 720, 1),
        ("0.5", "0.055", 2, 21, 720, 1),
        ("0.5", "0.055", 2, 30, 720, 1),
        (None,) * 6,
    ]
