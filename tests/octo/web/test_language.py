"""French first, English beside it, chosen by a link that keeps the page."""

import pytest
from flask import Flask

from octo.web.language import current_language
from tests.visitor import Visitor, parse


def language_of(client: Visitor, path: str = "/campaigns", **headers: str) -> str:
    return str(parse(client.get(path, headers=headers)).get("lang"))


def test_french_is_spoken_to_whoever_asks_for_nothing_known(client: Visitor) -> None:
    assert language_of(client) == "fr"
    assert language_of(client, **{"Accept-Language": "br, de;q=0.5"}) == "fr"


def test_the_browsers_wish_is_heard(client: Visitor) -> None:
    assert language_of(client, **{"Accept-Language": "en-IE,en;q=0.9,fr;q=0.2"}) == "en"


def test_a_link_switches_the_language_keeps_the_page_and_is_remembered(client: Visitor) -> None:
    page = parse(client.get("/campaigns?q=four&q=pain"))
    link = next(a.get("href") for a in page.iter("a") if a.get("hreflang") == "en")

    assert link == "/campaigns?q=four&q=pain&lang=en"
    assert language_of(client, link) == "en"
    assert language_of(client, "/") == "en"


@pytest.mark.parametrize(
    "query", ["_scheme=javascript&_external=1", "endpoint=x", "_anchor=x", "q=%22%3E%3Cb%3E"]
)
def test_nothing_in_the_address_bends_the_link(client: Visitor, query: str) -> None:
    page = parse(client.get(f"/campaigns?{query}"))

    link = next(a.get("href") for a in page.iter("a") if a.get("hreflang") == "en")

    assert link == f"/campaigns?{query}&lang=en"


def test_an_unknown_language_changes_nothing(client: Visitor) -> None:
    answer = client.get("/?lang=xx")

    assert parse(answer).get("lang") == "fr"
    assert "Set-Cookie" not in answer.headers


def test_outside_a_request_the_language_is_french(app: Flask) -> None:
    assert current_language() == "fr"
