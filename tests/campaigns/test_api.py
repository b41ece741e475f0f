"""The API does what the pages do, and says no in one form."""

from datetime import datetime, timedelta
from http import HTTPStatus

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from campaigns.models import Campaign, CampaignStatus, Pledge
from octo.accounts.models import Membership, Organisation, RoleName, User
from octo.database import db
from stripe_sandbox.client import SandboxClient
from tests.make import PASSWORD, Make
from tests.program import Program
from tests.visitor import Visitor

Json = dict[str, object]
Headers = dict[str, str]
KEY = {"Idempotency-Key": "a-key-of-a-client"}

pytestmark = pytest.mark.dates


def member_of(organisation: Organisation) -> User:
    return db.session.scalars(
        sa.select(User).join(Membership).filter_by(organisation_id=organisation.id)
    ).one()


def pledge(
    client: Visitor, campaign: Campaign, body: Json | None = None, headers: Headers = KEY
) -> TestResponse:
    sent = {"amount": 15_00, "email": "riwal@example.org"} | (body or {})
    path = f"/api/v1/campaigns/{campaign.public_id}/pledges"
    return client.post(path, json=sent, headers=headers)


def sign_in(client: Visitor, user: User) -> Headers:
    """Sign in through the page and return the header that the API then asks for."""
    client.sign_in(user.email, PASSWORD)
    token = client.page("/").xpath("//input[@name='csrf_token']/@value")[0]
    return {"X-CSRFToken": str(token)}


def test_campaigns_are_found_and_read(client: Visitor, make: Make) -> None:
    campaign = make.live_campaign(stock=3)
    make.gathering_campaign()

    found = client.get("/api/v1/campaigns?stage=live").get_json()
    read = client.get(f"/api/v1/campaigns/{campaign.public_id}").get_json()
    rewards = client.get(f"/api/v1/campaigns/{campaign.public_id}/rewards").get_json()

    assert [one["id"] for one in found["items"]] == [campaign.public_id]
    assert (read["goal_amount"], read["status"], read["currency"]) == (100_00, "live", "EUR")
    assert [(r["minimum_amount"], r["left_count"]) for r in rewards] == [(10_00, 3)]


def test_a_pledge_gives_the_page_to_pay_on_and_its_key_pledges_once(
    client: Visitor, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()

    first, again = pledge(client, campaign), pledge(client, campaign)
    other = pledge(client, campaign, {"amount": 16_00})

    assert first.status_code == HTTPStatus.CREATED
    assert first.get_json()["checkout_url"].startswith(sandbox.url)
    assert first.get_json()["pledge"]["total_amount"] == 15_00
    assert again.get_json()["pledge"]["id"] == first.get_json()["pledge"]["id"]
    assert again.get_json()["checkout_url"] == first.get_json()["checkout_url"]
    assert other.status_code == HTTPStatus.CONFLICT
    assert other.get_json()["code"] == "request_key_reused"
    assert db.session.scalar(sa.select(sa.func.count(Pledge.id))) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"amount": "1500"},
        {"amount": 15.0},
        {"amount": 15.5},
        {"amount": True},
        {"amount": 0},
        {"amount": -1},
        {"amount": 10**12 + 1},
        {"amount": 2**63},
        {"amount": None},
        {"tip_amount": -1},
        {"email": "pas une adresse"},
        {"email": None},
        {"visibility": "loud"},
        {"reward": "rwd_nobody"},
        {"unknown": 1},
        {"message": "x" * 281},
    ],
)
def test_a_bad_body_is_a_problem_and_pledges_nothing(
    client: Visitor, make: Make, sandbox: SandboxClient, body: Json
) -> None:
    refused = pledge(client, make.live_campaign(), body)

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert refused.content_type == "application/problem+json"
    assert sandbox.every("/v1/checkout/sessions") == []
    assert db.session.scalar(sa.select(sa.func.count(Pledge.id))) == 0


def test_a_pledge_needs_a_key(client: Visitor, make: Make) -> None:
    refused = pledge(client, make.live_campaign(), headers={})

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_an_owner_writes_and_submits_a_campaign(client: Visitor, make: Make) -> None:
    organisation = make.organisation(is_ready=False)
    headers = sign_in(client, member_of(organisation))
    created = client.post(
        "/api/v1/campaigns",
        json={
            "organisation": organisation.public_id,
            "title": "Le Fournil",
            "category": "food",
            "goal_amount": 1000_00,
            "duration_days": 30,
        },
        headers=headers,
    )
    assert created.status_code == HTTPStatus.CREATED, created.text
    at = f"/api/v1/campaigns/{created.get_json()['id']}"

    edited = client.patch(at, json={"summary": "Du pain.", "goal_amount": 900_00}, headers=headers)
    costs = {"cost_lines": [{"label": "Four", "amount": 900_00}]}
    client.put(f"{at}/cost-lines", json=costs, headers=headers)
    reward = client.post(
        f"{at}/rewards", json={"title": "Une miche", "minimum_amount": 5_00}, headers=headers
    )
    submitted = client.post(f"{at}/submission", headers=headers)

    assert (edited.get_json()["summary"], edited.get_json()["goal_amount"]) == ("Du pain.", 900_00)
    assert reward.status_code == HTTPStatus.CREATED
    assert submitted.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert submitted.get_json()["code"] == "incomplete"
    campaign = db.session.scalars(sa.select(Campaign)).one()
    assert campaign.status is CampaignStatus.DRAFT
    assert [line.amount for line in campaign.cost_lines] == [900_00]


def test_a_backer_reads_their_own_pledges_alone(app: Flask, client: Visitor, make: Make) -> None:
    campaign = make.live_campaign()
    backer, other = make.user(), make.user()
    headers = sign_in(client, backer)
    placed = pledge(client, campaign, headers=headers | KEY).get_json()["pledge"]
    stranger = app.test_client()
    assert isinstance(stranger, Visitor)
    sign_in(stranger, other)

    mine = client.get("/api/v1/me/pledges").get_json()
    theirs = stranger.get(f"/api/v1/me/pledges/{placed['id']}")
    canceled = client.post(f"/api/v1/me/pledges/{placed['id']}/cancellation", headers=headers)

    assert [one["id"] for one in mine["items"]] == [placed["id"]]
    assert theirs.status_code == HTTPStatus.NOT_FOUND
    assert canceled.get_json()["pledge"]["status"] == "canceled"
    assert app.test_client().get("/api/v1/me/pledges").status_code == HTTPStatus.UNAUTHORIZED


def test_a_session_alone_does_not_pledge_from_another_site(client: Visitor, make: Make) -> None:
    campaign = make.live_campaign()
    sign_in(client, make.user())

    refused = pledge(client, campaign)

    assert refused.status_code == HTTPStatus.BAD_REQUEST
    assert db.session.scalar(sa.select(sa.func.count(Pledge.id))) == 0


def test_the_document_of_the_api_describes_it(client: Visitor) -> None:
    document = client.get("/api/v1/openapi.json").get_json()

    assert document["openapi"].startswith("3.1")
    paths = [path for path in document["paths"] if path.endswith("/pledges")]
    assert "/api/v1/campaigns/{campaign_id}/pledges" in paths
    page = client.get("/api/v1/docs")
    assert page.status_code == HTTPStatus.OK
    assert "<script" not in page.text


def test_a_moderator_gives_an_outage_its_time_back(app: Flask, make: Make) -> None:
    campaign = make.live_campaign()
    moderator = Program(app).sign_in(make.user(roles=(RoleName.MODERATOR,)).email)
    at = f"/moderation/campaigns/{campaign.public_id}"
    assert campaign.deadline_at is not None
    until = campaign.deadline_at + timedelta(hours=2)
    wish = {"until": until.isoformat(), "reason": "Stripe n'a pas répondu."}

    naive = wish | {"until": until.replace(tzinfo=None).isoformat()}
    assert moderator.code("POST", f"{at}/extension", naive) == "422 invalid"
    late = wish | {"until": (until + timedelta(days=300)).isoformat()}
    assert moderator.code("POST", f"{at}/extension", late) == "422 invalid"
    extended = moderator.post(f"{at}/extension", wish)

    assert datetime.fromisoformat(extended["campaign"]["deadline_at"]) == until
    assert extended["may_extend"]
    acts = moderator.get(f"{at}/trail")["items"]
    assert [act["action"] for act in acts] == ["campaign.extended_for_outage"]
