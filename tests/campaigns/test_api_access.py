"""Knowing an id opens nothing: what is another's is not there, through every door of the API."""

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign, CampaignStatus, Pledge
from octo.accounts.models import Membership, Organisation, RoleName, User
from octo.database import db, transaction
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.program import Program

REWARD = {"title": "Une miche", "minimum_amount": 5_00}
OWN_DOORS = [
    ("GET", "/standing", None),
    ("GET", "/pledges", None),
    ("GET", "/trail", None),
    ("PATCH", "", {"title": "Volé"}),
    ("DELETE", "", None),
    ("PUT", "/cost-lines", {"cost_lines": [{"label": "Four", "amount": 1}]}),
    ("POST", "/rewards", REWARD),
    ("PUT", "/rewards/{reward}", REWARD),
    ("DELETE", "/rewards/{reward}", None),
    ("POST", "/submission", None),
    ("POST", "/withdrawal", None),
    ("POST", "/onboarding", None),
    ("POST", "/onboarding/check", None),
    ("POST", "/launch", None),
    ("POST", "/extension", {"days": 1}),
    ("POST", "/cancellation", {"reason": "Parce que."}),
]


def member_of(organisation: Organisation) -> User:
    return db.session.scalars(
        sa.select(User).join(Membership).filter_by(organisation_id=organisation.id)
    ).one()


def test_an_owner_has_no_door_to_the_campaign_of_another(
    app: Flask, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign(stock=3)
    reward = campaign.rewards[0].public_id
    program = Program(app).sign_in(member_of(make.organisation()).email)
    before = (campaign.title, campaign.status, campaign.deadline_at)

    answers = {
        (method, end): program.code(
            method, f"/campaigns/{campaign.public_id}{end.format(reward=reward)}", body
        )
        for method, end, body in OWN_DOORS
    }
    sent = {"description": "Une image."}
    cover = program.ask("PUT", f"/campaigns/{campaign.public_id}/cover", data=sent)

    assert set(answers.values()) == {"404 not_found"}
    assert cover.status_code == 404
    left = db.session.get_one(Campaign, campaign.id)
    assert (left.title, left.status, left.deadline_at) == before
    assert program.get("/me/campaigns")["items"] == []


def test_a_draft_is_there_for_those_who_run_it_alone(app: Flask, make: Make) -> None:
    campaign = make.gathering_campaign()
    with transaction() as session:
        session.get_one(Campaign, campaign.id).status = CampaignStatus.DRAFT
    owner = Program(app).sign_in(member_of(campaign.organisation).email)
    others = [Program(app), Program(app).sign_in(make.user().email)]

    assert owner.get(f"/campaigns/{campaign.public_id}")["status"] == "draft"
    for path in ("", "/rewards", "/backers", "/supporters"):
        for program in others:
            found = program.code("GET", f"/campaigns/{campaign.public_id}{path}")
            assert found == "404 not_found"


def test_a_backer_has_no_door_to_the_pledge_of_another(
    app: Flask, make: Make, sandbox: SandboxClient
) -> None:
    campaign = make.live_campaign()
    backer, other = (Program(app).sign_in(make.user().email) for _ in range(2))
    pledges = f"/campaigns/{campaign.public_id}/pledges"
    placed = backer.post(pledges, {"amount": 15_00}, key="a-key-of-mine", status=201)
    at = f"/me/pledges/{placed['pledge']['id']}"

    assert other.code("GET", at) == "404 not_found"
    assert other.code("POST", f"{at}/cancellation") == "404 not_found"
    assert other.code("GET", f"/receipts/{placed['pledge']['id']}") == "404 not_found"
    unmailed = {"token": placed["receipt_token"]}
    assert other.code("POST", "/me/pledges", unmailed) == "409 cannot_join"
    again = other.post(pledges, {"amount": 15_00}, key="a-key-of-mine", status=201)
    assert again["pledge"]["id"] != placed["pledge"]["id"]
    assert db.session.scalars(sa.select(Pledge.status)).all() == ["pending", "pending"]


def test_an_organisation_is_there_for_its_members_alone(app: Flask, make: Make) -> None:
    organisation, other = make.organisation(), make.organisation()
    program = Program(app).sign_in(member_of(other).email)
    at = f"/organisations/{organisation.public_id}"
    draft = {
        "organisation": organisation.public_id,
        "title": "Volé",
        "category": "food",
        "goal_amount": 1_00,
        "duration_days": 1,
    }

    for method, path, body in [
        ("GET", at, None),
        ("PATCH", at, {"name": "Volée"}),
        ("GET", f"{at}/members", None),
        ("POST", f"{at}/invitations", {"email": "a.friend@example.org", "role": "edit"}),
        ("POST", f"{at}/departure", None),
    ]:
        assert program.code(method, path, body) == "404 not_found", path
    assert program.code("POST", "/campaigns", draft) == "403 forbidden"
    assert [one["id"] for one in program.get("/me/organisations")["items"]] == [other.public_id]


@pytest.mark.parametrize("role", [RoleName.OWNER, RoleName.MODERATOR])
def test_the_books_are_shut_to_other_roles(
    app: Flask, make: Make, sandbox: SandboxClient, role: RoleName
) -> None:
    payment = make.payment(make.pledge(make.live_campaign(), 15_00))
    program = Program(app).sign_in(make.user(roles=(role,)).email)
    refund = f"/payments/{payment.public_id}/refunds"

    assert program.code("GET", "/treasury/position") == "403 forbidden"
    assert program.code("POST", refund, {"amount": 1_00}, key="a-key-of-mine") == "403 forbidden"
    assert sandbox.every("/v1/refunds") == []
