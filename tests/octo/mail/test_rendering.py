"""Every mail, in both languages and both parts, from what its senders put in."""

import re
from typing import Any, Final

import pytest
from flask import Flask

from octo.mail.rendering import LOCALES, Site, render_mail, template_names
from octo.mail.site import site_of
from octo.runtime import runtime

CONTEXT: Final[dict[str, Any]] = {
    "name": "Gwenaël <Le Dû>",
    "campaign_title": "L’école « du dehors » & le <jardin>",
    "campaign_slug": "l-ecole-du-dehors",
    "campaign_id": "cmp_x",
    "amount": 45_00,
    "tip_amount": 3_00,
    "total_amount": 48_00,
    "goal_amount": 8_000_00,
    "pledged_amount": 6_400_00,
    "backers_count": 63,
    "currency": "EUR",
    "reward_title": "Un panier",
    "deadline_at": "2027-01-12T22:59:00+00:00",
    "time_zone": "Europe/Paris",
    "token": "abc123",
    "is_card_saved": True,
    "is_credit": True,
    "repair_until": "2027-01-19T22:59:00+00:00",
    "collected_amount": 6_100_00,
    "reason": "Précisez le budget.\nAjoutez une photo.",
    "supporters_needed": 3,
    "document_number": "2026-0004",
    "url": "https://octo.example/confirm/xyz",
    "sign_in_url": "https://octo.example/login",
    "reset_url": "https://octo.example/reset",
    "inviter_name": "Nolwenn",
    "organisation_id": "org_x",
    "organisation_name": "Les Plomarc’h",
    "role": "deliver",
}

pytestmark = pytest.mark.dates


def page(endpoint: str, /, **values: object) -> str:
    return f"https://octo.example/{endpoint}/" + "/".join(str(value) for value in values.values())


SITE: Final = Site(name="Octo", url="https://octo.example", page=page, sign=str)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", template_names())
def test_both_parts_say_the_same_and_lead_to_the_same_pages(template: str, locale: str) -> None:
    mail = render_mail(template, CONTEXT, locale=locale, site=SITE)

    in_html = set(re.findall(r'href="(https://[^"]+)"', mail.html))
    in_text = set(re.findall(r"https://\S+", mail.text))
    assert in_html == in_text
    assert mail.subject
    assert "\n" not in mail.subject


@pytest.mark.parametrize("template", template_names())
def test_a_mail_asks_nothing_of_other_sites(template: str) -> None:
    html = render_mail(template, CONTEXT, locale="fr", site=SITE).html

    fetched = re.findall(r'(?:src|background|<link[^>]*href)="([^"]+)"|url\(([^)]+)\)', html)
    assert fetched == []
    assert "<script" not in html


def test_what_people_typed_stays_text() -> None:
    mail = render_mail("pledge_confirmed", CONTEXT, locale="fr", site=SITE)

    assert "<jardin>" not in mail.html
    assert "&lt;jardin&gt;" in mail.html
    assert "<jardin>" in mail.text
    assert "<jardin>" in mail.subject or "<jardin>" in mail.text


def test_a_name_with_line_ends_cannot_add_headers() -> None:
    context = {**CONTEXT, "campaign_title": "Un titre\r\nBcc: tous@example.org"}

    subject = render_mail("pledge_confirmed", context, locale="fr", site=SITE).subject

    assert "\r" not in subject
    assert "\n" not in subject


@pytest.mark.parametrize(("locale", "shown"), [("fr", "45,00 €"), ("en", "€45.00")])
def test_amounts_are_written_as_their_reader_writes_them(locale: str, shown: str) -> None:
    mail = render_mail("pledge_confirmed", CONTEXT, locale=locale, site=SITE)

    assert shown in mail.text.replace("\u00a0", " ").replace("\u202f", " ")


def test_an_instant_is_in_the_time_zone_of_the_campaign_and_says_so() -> None:
    mail = render_mail("pledge_confirmed", CONTEXT, locale="fr", site=SITE)

    assert "mardi 12 janvier 2027 à 23:59 (heure de Paris)" in mail.text


def test_a_mail_without_a_name_still_greets() -> None:
    mail = render_mail("pledge_confirmed", {**CONTEXT, "name": ""}, locale="en", site=SITE)

    assert "Hello,\n" in mail.text


@pytest.mark.parametrize("template", template_names())
def test_every_link_of_a_mail_leads_to_a_page_of_the_site(app: Flask, template: str) -> None:
    mail = render_mail(template, CONTEXT, locale="fr", site=site_of(app, runtime().settings))

    assert "http://localhost" in mail.text


@pytest.mark.parametrize("template", template_names())
def test_no_french_mark_begins_a_line_and_no_word_is_cut_in_two(template: str) -> None:
    context = CONTEXT | {"campaign_title": "Radio Menez"}
    mail = render_mail(template, context, locale="fr", site=SITE)

    sentences = re.sub(r"https://\S+", "", f"{mail.subject}\n{mail.text}")
    cells = re.findall(r'<td style="padding:7px[^>]*>', mail.html)
    assert re.findall(r"\S*[ \n][:;!?»]|«[ \n]\S*", sentences) == []
    assert all("word-break:normal" in cell for cell in cells)
