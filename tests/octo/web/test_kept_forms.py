"""Whatever ends a session or a form's token, what was typed comes back, and is not typed twice."""

import pytest
import sqlalchemy as sa
from lxml.html import HtmlElement

from campaigns.models import Campaign, Pledge
from octo.database import db
from tests.make import PASSWORD, Make
from tests.obligations import again, owner_of
from tests.visitor import Visitor, parse

STORY = "Une histoire écrite dans le bus.\r\n\r\n" + "Elle est longue. " * 2_000


@pytest.fixture
def campaign(make: Make, client: Visitor) -> Campaign:
    """Make a campaign whose owner is signed in."""
    campaign = make.gathering_campaign()
    client.sign_in(owner_of(campaign).email, PASSWORD)
    return campaign


def typed(client: Visitor, path: str, **fields: str) -> dict[str, str]:
    """Fill a page's form, without sending it."""
    form = next(one for one in client.page(path).forms if set(fields) <= set(one.fields))
    return {**dict(form.form_values()), **fields}


def test_a_text_sent_after_signing_out_elsewhere_is_there_after_signing_in(
    client: Visitor, campaign: Campaign
) -> None:
    path = f"/owner/campaigns/{campaign.public_id}/text"
    email = owner_of(campaign).email
    entries = typed(client, path, story=STORY)
    client.submit("/account", form="/logout")

    asked = client.post(path, data=entries)
    assert asked.status_code == 401
    assert "gardé sur cette page" in asked.text
    assert PASSWORD not in asked.text

    form = next(one for one in parse(asked).forms if "password" in one.fields)
    wrong = {**dict(form.form_values()), "email": email, "password": "a wrong password"}
    refused = client.post("/login", data=wrong)
    form = next(one for one in parse(refused).forms if "password" in one.fields)
    right = {**dict(form.form_values()), "email": email, "password": PASSWORD}
    back = parse(client.post("/login", data=right)).forms[-1]
    shown = parse(client.post(back.action, data=dict(back.form_values())))

    (field,) = shown.xpath("//textarea[@name='story']")
    assert field.text_content().strip() == STORY.replace("\r\n", "\n").strip()
    assert again(campaign).story == "A story."

    filled = next(one for one in shown.forms if "story" in one.fields and not one.get("id"))
    client.post(path, data=dict(filled.form_values()), follow_redirects=True)
    assert again(campaign).story.strip().startswith("Une histoire écrite dans le bus.")


def test_a_text_sent_with_the_token_of_an_earlier_session_is_there_too(
    client: Visitor, campaign: Campaign
) -> None:
    path = f"/owner/campaigns/{campaign.public_id}/text"
    entries = typed(client, path, story=STORY)
    email = owner_of(campaign).email
    client.submit("/account", form="/logout")
    client.sign_in(email, PASSWORD)

    refused = client.post(path, data=entries)
    assert refused.status_code == 400
    form = parse(refused).forms[-1]
    shown = parse(client.post(form.action, data=dict(form.form_values())))

    (field,) = shown.xpath("//textarea[@name='story']")
    assert field.text_content().strip() == STORY.replace("\r\n", "\n").strip()


def test_a_guest_whose_cookies_are_gone_types_nothing_twice_and_pledges_once(
    make: Make, client: Visitor
) -> None:
    campaign = make.live_campaign()
    path = f"/campaigns/{campaign.slug}/pledge"
    entries = typed(client, path, amount="12,50", email="lea@example.org")
    client.delete_cookie("session")

    refused = client.post(path, data=entries)
    form = parse(refused).forms[-1]
    shown = parse(client.post(form.action, data=dict(form.form_values())))

    fields = {name: shown.xpath(f"//input[@name='{name}']/@value")[0] for name in entries}
    kept = ("amount", "email", "request_key")
    assert {name: fields[name] for name in kept} == {name: entries[name] for name in kept}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Pledge)) == 0


@pytest.mark.parametrize("path", ["//evil.example/x", "https://evil.example", "/\\evil", ""])
def test_signing_in_leads_to_no_other_site(make: Make, client: Visitor, path: str) -> None:
    user = make.user()
    form = client.page("/login").forms[-1]
    entries = {
        **dict(form.form_values()),
        "email": user.email,
        "password": PASSWORD,
        "kept_path": path,
        "kept_entries": '[["story", "x"]]',
    }

    answer = client.post("/login", data=entries)

    assert answer.status_code == 302
    assert "evil" not in answer.headers["Location"]


@pytest.mark.parametrize("written", ["", "[", "[1]", '{"a": 1}', '[["a"]]', "[" * 5_000])
def test_what_is_no_form_is_not_given_back(make: Make, client: Visitor, written: str) -> None:
    user = make.user()
    form = client.page("/login").forms[-1]
    entries = {**dict(form.form_values()), "email": user.email, "password": PASSWORD}
    kept = {"kept_path": "/account", "kept_entries": written}

    assert client.post("/login", data={**entries, **kept}).status_code == 302


def in_english(client: Visitor, page: HtmlElement) -> HtmlElement:
    """Press the language's button, or follow its link, on a page in French."""
    (english,) = page.xpath("//footer//*[@lang='en']")
    if english.tag == "a":
        return client.page(english.get("href"))
    form = page.get_element_by_id(english.get("form"))
    return parse(client.post(english.get("formaction"), data=dict(form.form_values())))


def test_the_language_of_the_sums_changes_and_nothing_typed_is_lost(
    make: Make, client: Visitor
) -> None:
    campaign = make.live_campaign()
    path = f"/campaigns/{campaign.slug}/pledge"
    sums = parse(client.submit(path, {"amount": "12,50", "email": "lea@example.org"}))

    page = in_english(client, sums)

    assert page.get("lang") == "en"
    assert page.xpath("//main//input[@name='amount']/@value") == ["12,50"]
    assert page.xpath("//main//input[@name='email']/@value") == ["lea@example.org"]


def test_the_language_of_a_refused_form_changes_and_nothing_typed_is_lost(
    client: Visitor, campaign: Campaign
) -> None:
    path = f"/owner/campaigns/{campaign.public_id}/text"
    entries = typed(client, path, title="", story=STORY)

    page = in_english(client, parse(client.post(path, data=entries)))

    (field,) = page.xpath("//textarea[@name='story']")
    assert page.get("lang") == "en"
    assert field.text_content().strip() == STORY.replace("\r\n", "\n").strip()


def test_the_language_of_a_page_that_a_button_led_to_changes_where_it_is_read(
    client: Visitor, campaign: Campaign
) -> None:
    shown = client.submit(f"/owner/campaigns/{campaign.public_id}", form="/launch")
    assert shown.status_code == 409

    page = in_english(client, parse(shown))

    assert page.get("lang") == "en"
    assert campaign.title in page.text_content()
