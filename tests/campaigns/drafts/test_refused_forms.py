"""A form sent with several mistakes comes back once: each is named beside its field."""

from http import HTTPStatus

import pytest
import sqlalchemy as sa
from lxml.html import HtmlElement

from campaigns.models import Campaign, CampaignStatus, Pledge, Reward
from octo.accounts.models import Membership, User
from octo.database import db, lock, transaction
from tests.make import PASSWORD, Make
from tests.visitor import Visitor, parse

TOO_LONG = "é" * 501


def refused_fields(page: HtmlElement) -> list[str]:
    """Return the fields that the summary leads to, once each is seen to say why beside it."""
    fields = [str(href).removeprefix("#") for href in page.xpath("//*[@role='alert']//a/@href")]
    for field in fields:
        marked = page.get_element_by_id(field)
        assert marked.get("aria-invalid") == "true", field
        assert f"{field}-error" in marked.get("aria-describedby").split()
        assert page.get_element_by_id(f"{field}-error").text_content().strip()
    assert "autofocus" in page.xpath("//*[@role='alert']")[0].attrib
    return fields


def ship(campaign: Campaign) -> Reward:
    """Let the campaign's reward be sent by post."""
    with transaction() as session:
        reward = lock(session, Reward, public_id=campaign.rewards[0].public_id)
        reward.is_shipped = True
        reward.shipping_amount = 3_00
    return reward


@pytest.fixture
def draft(client: Visitor, make: Make) -> Campaign:
    """Make a draft whose owner is signed in."""
    campaign = make.gathering_campaign()
    with transaction() as session:
        session.execute(
            sa.update(Campaign).where(Campaign.id == campaign.id).values(status="draft")
        )
    member = sa.select(Membership.user_id).filter_by(organisation_id=campaign.organisation_id)
    owner = db.session.scalars(sa.select(User).where(User.id.in_(member))).one()
    client.sign_in(owner.email, PASSWORD)
    return campaign


def test_a_pledge_names_all_that_is_wrong_and_keeps_what_was_typed(
    client: Visitor, make: Make
) -> None:
    campaign = make.live_campaign(stock=3)
    reward = ship(campaign)
    typed = {
        "amount": "1e3",
        "tip": "-2",
        "email": "riwal",
        "message": "Kalon vat!",
        "line1": "",
        "postal_code": "29200",
        "city": "",
    }

    answer = client.submit(
        f"/campaigns/{campaign.slug}/pledge?reward={reward.public_id}", typed, form="/pledge"
    )
    page = parse(answer)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert refused_fields(page) == ["amount", "tip", "email", "line1", "city"]
    shown = {name: page.get_element_by_id(name).value for name in typed}
    assert {name: text.strip() for name, text in shown.items()} == typed
    assert page.findtext(".//title").strip().startswith("Refusé")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Pledge)) == 0


def test_an_amount_below_the_reward_is_said_with_the_rest(client: Visitor, make: Make) -> None:
    campaign = make.live_campaign(stock=3)
    path = f"/campaigns/{campaign.slug}/pledge?reward={campaign.rewards[0].public_id}"

    french = client.submit(path, {"amount": "5", "email": "riwal"}, form="/pledge")
    english = client.submit(f"{path}&lang=en", {"amount": "5", "email": "x"}, form="/pledge")

    assert refused_fields(parse(french)) == ["amount", "email"]
    assert "10,00\u00a0€" in french.text
    assert "€10.00" in english.text


@pytest.mark.parametrize(
    ("step", "typed", "refused"),
    [
        ("text", {"title": "", "summary": TOO_LONG}, ["title", "summary"]),
        ("terms", {"goal": "beaucoup", "duration_days": "dix"}, ["goal", "duration_days"]),
        ("terms", {"goal": "0", "duration_days": "99"}, ["goal", "duration_days"]),
        (
            "rewards/new",
            {"title": "", "description": TOO_LONG, "minimum": "x", "stock": "x", "delivery": "mai"},
            ["title", "description", "minimum", "stock", "delivery"],
        ),
    ],
)
def test_each_step_of_a_draft_names_all_that_is_wrong(
    client: Visitor, draft: Campaign, step: str, typed: dict[str, str], refused: list[str]
) -> None:
    answer = client.submit(f"/owner/campaigns/{draft.public_id}/{step}", typed, form=step)
    page = parse(answer)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert refused_fields(page) == refused
    assert {n: page.get_element_by_id(n).value.strip() for n in typed} == typed


def test_wrong_cost_lines_are_named_by_their_row_and_empty_rows_go(
    client: Visitor, draft: Campaign
) -> None:
    path = f"/owner/campaigns/{draft.public_id}/costs"
    rows = {"label": ["", "Le four", ""], "amount": ["", "cher", "12"]}

    token = client.page(path).xpath("//input[@name='csrf_token']/@value")[0]
    page = parse(client.post(path, data=rows | {"csrf_token": token}))

    assert refused_fields(page) == ["cost_lines-0-amount", "cost_lines-1-label"]
    assert page.get_element_by_id("cost_lines-0-label").value == "Le four"
    assert page.get_element_by_id("cost_lines-1-amount").value == "12"


def test_a_new_draft_and_a_new_organisation_do_the_same(client: Visitor, draft: Campaign) -> None:
    begun = client.submit("/owner/campaigns/new", {"title": "", "goal": "0"}, form="/new")
    made = client.submit(
        "/account/organisations/new", {"name": "", "registration_number": "12"}, form="/new"
    )

    assert refused_fields(parse(begun)) == ["title", "goal"]
    assert refused_fields(parse(made)) == ["name", "registration_number"]
    assert draft.status is CampaignStatus.DRAFT


def test_signing_up_leads_to_each_refused_field(client: Visitor) -> None:
    page = parse(client.submit("/register", {"email": "riwal", "password": "court"}))

    assert refused_fields(page) == ["email", "password"]


def test_the_api_names_every_field_too(client: Visitor, make: Make) -> None:
    campaign = make.live_campaign(stock=3)
    reward = ship(campaign)

    answer = client.post(
        f"/api/v1/campaigns/{campaign.public_id}/pledges",
        json={"amount": 5_00, "email": "riwal@example.org", "reward": reward.public_id},
        headers={"Idempotency-Key": "a-key-of-a-client"},
    )

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert set(answer.get_json()["errors"]) == {
        "amount",
        "line1",
        "postal_code",
        "city",
        "country",
    }


def said_of_the_sum(page: HtmlElement) -> str:
    (said, *_) = page.xpath("//main//p[contains(., 'lines') and contains(., 'goal')]")
    return " ".join(said.text_content().split())


def test_the_sum_of_the_costs_says_what_is_missing_and_never_what_is_false(
    client: Visitor, draft: Campaign
) -> None:
    path = f"/owner/campaigns/{draft.public_id}/costs?lang=en"
    client.get(path)
    goal = draft.goal_amount // 100
    told = {}
    for amount in (goal - 10, goal, goal + 5):
        entries = {"label": "A van", "amount": str(amount), "more": "1"}
        told[amount] = said_of_the_sum(parse(client.submit(path, entries, form="/costs")))

    assert "€10.00 is missing" in told[goal - 10]
    assert told[goal].startswith("The lines add up to the goal")
    assert "€5.00 above it" in told[goal + 5]


def test_enter_saves_the_costs_and_more_lines_are_more(client: Visitor, draft: Campaign) -> None:
    path = f"/owner/campaigns/{draft.public_id}/costs"
    page = client.page(path)
    (first, *_) = page.xpath("//main//form//button[@type='submit']")
    before = len(page.xpath("//input[@name='amount']"))

    more = parse(
        client.submit(path, {"label": "A van", "amount": "12", "more": "1"}, form="/costs")
    )

    assert first.get("name") is None
    assert len(more.xpath("//input[@name='amount']")) > before
    assert more.xpath("//input[@name='amount']/@value")[0] == "12"
