"""A campaign from its first word to its launch, through the pages its people use."""

import io
import re
from http import HTTPStatus

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from campaigns.models import Campaign, CampaignStatus
from octo.accounts.models import Membership, RoleName, User
from octo.audit import AuditEvent
from octo.database import db
from stripe_sandbox.client import SandboxClient
from tests.make import PASSWORD, Make
from tests.octo.mail.mailbox import Mailbox
from tests.visitor import Visitor, parse

STORY = "Une camionnette équipée ira de bourg en bourg, avec un fauteuil et un bac. " * 4

pytestmark = pytest.mark.dates


@pytest.fixture
def mailbox(app: Flask) -> Mailbox:
    return Mailbox(app)


def a_picture() -> io.BytesIO:
    picture = io.BytesIO()
    Image.new("RGB", (640, 360), "teal").save(picture, "PNG")
    picture.seek(0)
    return picture


def campaign_of(title: str) -> Campaign:
    db.session.expire_all()
    return db.session.scalars(sa.select(Campaign).filter_by(title=title)).one()


def owner_of(make: Make, *, is_ready: bool = False) -> User:
    organisation = make.organisation(is_ready=is_ready)
    return db.session.scalars(
        sa.select(User).join(Membership).filter_by(organisation_id=organisation.id)
    ).one()


def draft(visitor: Visitor, title: str) -> str:
    """Write a whole campaign through the pages and return its address among the owner's."""
    visitor.submit(
        "/owner/campaigns/new",
        {"title": title, "category": "solidarity", "goal": "4 800", "duration_days": "40"},
        form="/owner/campaigns/new",
    )
    at = f"/owner/campaigns/{campaign_of(title).public_id}"
    visitor.submit(
        f"{at}/text",
        {"summary": "Un salon de coiffure roulant.", "story": STORY, "place": "Brasparts"},
        form="/text",
    )
    visitor.submit(
        f"{at}/cover",
        {"cover": (a_picture(), "cover.png"), "cover_description": "Une camionnette."},
        form="/cover",
    )
    visitor.submit(f"{at}/costs", {"label": "La camionnette", "amount": "4800"}, form="/costs")
    visitor.submit(
        f"{at}/rewards/new",
        {"title": "Une coupe", "minimum": "35", "stock": "40", "delivery": "2027-04"},
        form="/rewards/new",
    )
    return at


def status_of(title: str) -> CampaignStatus:
    return campaign_of(title).status


def a_visitor(app: Flask) -> Visitor:
    visitor = app.test_client()
    assert isinstance(visitor, Visitor)
    return visitor


def as_moderator(app: Flask, make: Make) -> Visitor:
    moderator = make.user("Yannick Kerbrat", roles=(RoleName.MODERATOR,))
    visitor = a_visitor(app)
    visitor.sign_in(moderator.email, PASSWORD)
    return visitor


def decide(visitor: Visitor, campaign: Campaign, act: str, reason: str = "") -> int:
    path = f"/moderation/{campaign.public_id}"
    return visitor.submit(path, {"act": act, "reason": reason}, form=path).status_code


def gather(app: Flask, mailbox: Mailbox, campaign: Campaign, email: str) -> None:
    visitor = a_visitor(app)
    path = f"/campaigns/{campaign.slug}/support"
    visitor.submit(path, {"name": "Gwenaëlle", "email": email, "word": "Enfin !"}, form=path)
    link = mailbox.link_to(email, "/support/")
    assert campaign.title in visitor.get(link).text
    visitor.submit(link, form=link)


def test_a_campaign_goes_from_draft_to_live(
    app: Flask, client: Visitor, make: Make, mailbox: Mailbox, sandbox: SandboxClient
) -> None:
    owner = owner_of(make)
    client.sign_in(owner.email, PASSWORD)
    at = draft(client, "Les Ciseaux voyageurs")
    moderator = as_moderator(app, make)

    client.submit(at, form="/submit")
    campaign = campaign_of("Les Ciseaux voyageurs")
    assert campaign.status is CampaignStatus.SUBMITTED
    assert "Les Ciseaux voyageurs" in moderator.get("/moderation/").text

    assert decide(moderator, campaign, "request_changes", "Dites où ira la camionnette.") == 200
    assert "Dites où ira la camionnette." in client.get(at).text
    client.submit(at, form="/submit")
    assert decide(moderator, campaign, "approve") == 200
    assert status_of(campaign.title) is CampaignStatus.GATHERING

    for person in ("ar@example.org", "men@example.org", "hag@example.org"):
        gather(app, mailbox, campaign, person)
    assert campaign_of(campaign.title).supporters_count == 3

    refused = client.submit(at, form="/launch")
    assert refused.status_code == HTTPStatus.CONFLICT
    to_stripe = client.submit(at, form="/onboard", follow=False)
    assert to_stripe.location.startswith(sandbox.url)
    sandbox.onboard(make.stripe_account(campaign.organisation))
    client.get(f"{at}/onboarded", follow_redirects=True)
    client.submit(at, form="/launch")

    live = campaign_of(campaign.title)
    assert live.status is CampaignStatus.LIVE
    assert live.deadline_at is not None
    assert live.launched_at is not None
    assert 39 <= (live.deadline_at - live.launched_at).days <= 40
    trail = db.session.scalars(
        sa.select(AuditEvent.action).filter_by(subject=live.public_id).order_by(AuditEvent.id)
    ).all()
    assert [action.removeprefix("campaign.") for action in trail] == [
        "drafted",
        "submitted",
        "changes_requested",
        "submitted",
        "approved",
        "launched",
    ]


def test_an_empty_draft_cannot_be_submitted_and_says_all_that_is_missing(
    client: Visitor, make: Make
) -> None:
    client.sign_in(owner_of(make).email, PASSWORD)
    client.submit(
        "/owner/campaigns/new",
        {"title": "Vide", "category": "food", "goal": "100", "duration_days": "30"},
        form="/owner/campaigns/new",
    )
    at = f"/owner/campaigns/{campaign_of('Vide').public_id}"

    refused = client.submit(at, form="/submit")

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    page = parse(refused)
    steps = {link.get("href").rsplit("/", 1)[-1] for link in page.xpath("//main//li/a")}
    assert {"text", "cover", "costs"} <= steps
    assert status_of("Vide") is CampaignStatus.DRAFT


def test_costs_that_do_not_make_the_goal_are_asked_again(client: Visitor, make: Make) -> None:
    client.sign_in(owner_of(make).email, PASSWORD)
    at = draft(client, "Trop court")
    client.submit(f"{at}/costs", {"label": "Presque tout", "amount": "4799,99"}, form="/costs")

    assert client.submit(at, form="/submit").status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_bad_amount_in_a_row_keeps_the_rows_and_shows_the_error_beside_it(
    client: Visitor, make: Make
) -> None:
    client.sign_in(owner_of(make).email, PASSWORD)
    at = draft(client, "Des lignes")

    refused = client.submit(f"{at}/costs", {"label": "Un moteur", "amount": "1e3"}, form="/costs")

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    page = parse(refused)
    assert page.xpath("//input[@id='cost_lines-0-amount']/@value") == ["1e3"]
    assert page.xpath("//*[@id='cost_lines-0-amount-error']")
    assert [line.amount for line in campaign_of("Des lignes").cost_lines] == [4800_00]


def test_nobody_else_finds_a_draft(app: Flask, client: Visitor, make: Make) -> None:
    client.sign_in(owner_of(make).email, PASSWORD)
    at = draft(client, "Secret")
    stranger = a_visitor(app)
    stranger.sign_in(owner_of(make).email, PASSWORD)

    assert stranger.get(at).status_code == HTTPStatus.NOT_FOUND
    assert stranger.get("/campaigns/secret").status_code == HTTPStatus.NOT_FOUND
    assert app.test_client().get("/campaigns/secret").status_code == HTTPStatus.NOT_FOUND
    assert client.get("/campaigns/secret").status_code == HTTPStatus.OK


def test_terms_are_frozen_from_submission_on(client: Visitor, make: Make) -> None:
    client.sign_in(owner_of(make).email, PASSWORD)
    at = draft(client, "Gelé")
    form = {"category": "food", "goal": "1", "duration_days": "5", "time_zone": "Europe/Paris"}
    token = client.page(f"{at}/terms").xpath("//input[@name='csrf_token']/@value")[0]
    client.submit(at, form="/submit")

    answer = client.post(f"{at}/terms", data=form | {"csrf_token": token})

    assert answer.status_code == HTTPStatus.CONFLICT
    assert campaign_of("Gelé").goal_amount == 4800_00


def test_a_moderator_gives_a_reason_for_a_refusal(
    app: Flask, client: Visitor, make: Make, mailbox: Mailbox
) -> None:
    owner = owner_of(make)
    client.sign_in(owner.email, PASSWORD)
    at = draft(client, "Refusé")
    client.submit(at, form="/submit")
    moderator = as_moderator(app, make)
    campaign = campaign_of("Refusé")

    assert decide(moderator, campaign, "reject") == HTTPStatus.UNPROCESSABLE_ENTITY
    assert decide(moderator, campaign, "reject", "Hors du champ.") == HTTPStatus.OK
    make.work()

    assert status_of("Refusé") is CampaignStatus.REJECTED
    assert "Hors du champ." in mailbox.text_of(mailbox.to(owner.email)[-1])


def test_one_address_supports_once_and_the_owner_not_at_all(
    app: Flask, client: Visitor, make: Make, mailbox: Mailbox
) -> None:
    owner = owner_of(make)
    client.sign_in(owner.email, PASSWORD)
    at = draft(client, "Ensemble")
    client.submit(at, form="/submit")
    campaign = campaign_of("Ensemble")
    decide(as_moderator(app, make), campaign, "approve")

    gather(app, mailbox, campaign, "ar@example.org")
    visitor = a_visitor(app)
    path = f"/campaigns/{campaign.slug}/support"
    visitor.submit(path, {"name": "Encore", "email": "AR@example.org"}, form=path)
    gather(app, mailbox, campaign, owner.email)

    assert campaign_of("Ensemble").supporters_count == 1
    assert len(mailbox.to("ar@example.org")) == 1


def test_the_text_a_supporter_types_is_kept_when_refused(client: Visitor, make: Make) -> None:
    campaign = make.gathering_campaign()
    path = f"/campaigns/{campaign.slug}/support"

    refused = client.submit(
        path, {"name": "Ann", "email": "pas une adresse", "word": "Oui"}, form=path
    )

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert re.search(r'value="pas une adresse"', refused.text)
    assert ">\nOui</textarea>" in refused.text
