"""A refused form comes back with what was entered and the error beside its field."""

import pytest
from flask import Flask, redirect, render_template_string
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from octo.errors import ConflictError, InvalidError, OctoError, UnavailableError
from octo.web.forms import flash_message, shown_again_by
from octo.web.permissions import public
from tests.visitor import Visitor, parse

PAGE = """
{% extends "base.html" %}
{% from "macros/forms.html" import area, choices, choose, field %}
{% from "macros/forms.html" import money_field, tick %}
{% block main %}
<form method="post" id="planted">
{{ csrf_field() }}
{{ field("title", "Titre", "Le four", hint="Court.") }}
{{ money_field("goal", "Objectif", 150000) }}
{{ area("story", "Histoire", "Il était") }}
{{ choose("category", "Catégorie", [("a", "A"), ("b", "B")], "a") }}
{{ choices("shown", "Visible", [("x", "X", ""), ("y", "Y", "")], "x") }}
{{ tick("agreed", "Oui", true) }}
</form>
{% endblock %}
"""
SENT = {
    "title": '<b>"Fournil"',
    "goal": "12,5O",
    "story": "Une fois",
    "category": "b",
    "shown": "y",
}


@pytest.fixture
def refusal(app: Flask) -> list[Exception]:
    """Plant a form at /planted; what stands in this list is raised by its service."""
    raised: list[Exception] = []

    @public
    def form() -> ResponseReturnValue:
        return render_template_string(PAGE)

    @public
    @shown_again_by(form)
    def take() -> ResponseReturnValue:
        if raised:
            raise raised[0]
        flash_message("Enregistré.")
        return redirect("/planted", 303)

    app.add_url_rule("/planted", "planted", form)
    app.add_url_rule("/planted", "take", take, methods=["POST"])
    return raised


def test_an_accepted_form_leads_on_and_says_so_once(
    client: Visitor, refusal: list[Exception]
) -> None:
    answer = client.submit("/planted", SENT, form="planted")

    assert refusal == []
    assert "Enregistré." in answer.text
    assert "Enregistré." not in client.get("/planted").text


def test_a_refused_form_keeps_every_entry_and_names_the_field(
    client: Visitor, refusal: list[Exception]
) -> None:
    refusal.append(InvalidError("Enter digits only.", field="goal"))

    page = parse(client.submit("/planted", SENT | {"agreed": ""}, form="planted"))

    goal = page.get_element_by_id("goal")
    assert goal.get("value") == "12,5O"
    assert goal.get("aria-invalid") == "true"
    assert page.get_element_by_id(goal.get("aria-describedby")).text == "Enter digits only."
    assert page.get_element_by_id("title").get("value") == '<b>"Fournil"'
    assert page.get_element_by_id("story").value.strip() == "Une fois"
    assert page.xpath("//option[@selected]/@value") == ["b"]
    assert page.xpath("//input[@type='radio'][@checked]/@value") == ["y"]
    assert page.get_element_by_id("title").get("aria-invalid") is None
    assert page.xpath("//*[@role='alert']//a/@href") == ["#goal"]


def test_a_refusal_of_the_state_stands_at_the_top(
    client: Visitor, refusal: list[Exception]
) -> None:
    refusal.append(ConflictError("The campaign has ended."))

    answer = client.submit("/planted", SENT, form="planted")

    assert answer.status_code == 409
    assert "The campaign has ended." in parse(answer).xpath("//*[@role='alert']")[0].text_content()


def test_errors_of_a_schema_stand_each_beside_its_field(
    client: Visitor, refusal: list[Exception]
) -> None:
    refusal.append(ValidationError({"title": ["Too long."], "goal": ["Missing."]}))

    answer = client.submit("/planted", SENT, form="planted")
    page = parse(answer)

    assert answer.status_code == 422
    assert page.get_element_by_id("title-error").text == "Too long."
    assert page.get_element_by_id("goal-error").text == "Missing."
    assert page.get_element_by_id("title").get("aria-describedby") == "title-hint title-error"


def test_while_something_outside_is_away_the_form_is_kept_to_be_sent_again(
    client: Visitor, refusal: list[Exception]
) -> None:
    refusal.append(UnavailableError("Stripe does not answer."))

    answer = client.submit("/planted", SENT, form="planted")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert parse(answer).find(".//form[@id='planted']") is not None
    assert "Stripe does not answer." in answer.text


def test_what_the_reader_cannot_mend_is_not_shown_as_a_form(
    client: Visitor, refusal: list[Exception]
) -> None:
    refusal.append(OctoError("Something is broken."))

    answer = client.submit("/planted", SENT, form="planted")

    assert answer.status_code == 500
    assert parse(answer).find(".//form[@id='planted']") is None
