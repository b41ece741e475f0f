"""Every door is shut unless it says whom it opens to."""

import re

import pytest
from flask import Flask
from flask.views import MethodView

from octo.accounts.models import RoleName
from octo.web.permissions import Access, access_of, public, requires, signed_in
from tests.make import PASSWORD, Make
from tests.visitor import Visitor
from treasury.permissions import READ_BOOKS


def test_a_view_without_a_mark_is_refused(app: Flask, client: Visitor) -> None:
    app.add_url_rule("/planted", "planted", lambda: "open")

    assert client.get("/planted").status_code == 403
    assert client.get("/planted?lang=en").status_code == 403


def test_a_method_without_a_mark_is_refused_beside_one_with(app: Flask, client: Visitor) -> None:
    class Planted(MethodView):
        @public
        def get(self) -> str:
            return "read"

        def post(self) -> str:
            return "written"

    app.add_url_rule("/api/planted", view_func=Planted.as_view("planted_methods"))

    assert client.get("/api/planted").text == "read"
    assert client.post("/api/planted").status_code == 403


def test_every_route_of_the_site_carries_a_mark(app: Flask) -> None:
    unmarked = [
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"OPTIONS"}
        if access_of(app.view_functions[rule.endpoint], method) is None
    ]

    assert unmarked == []


def guarded(app: Flask) -> list[tuple[str, str, Access]]:
    """Every route that is not public, with a made-up id for each of its variables."""
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            access = access_of(app.view_functions[rule.endpoint], method)
            if access is not None and not access.is_public:
                found.append((method, re.sub(r"<[^>]+>", "unknown", rule.rule), access))
    return found


@pytest.mark.parametrize("role", [*RoleName, "backer"])
def test_each_role_enters_the_rooms_it_holds_and_no_other(
    app: Flask, make: Make, role: RoleName | str
) -> None:
    person = make.user(roles=(role,) if isinstance(role, RoleName) else ())
    client = app.test_client()
    assert isinstance(client, Visitor)
    client.sign_in(person.email, PASSWORD)

    wrong = []
    for method, path, access in guarded(app):
        if access.permission is None or not access.permission.predicate.roles:
            continue
        status = client.open(path, method=method).status_code
        if (status == 403) == (role in access.permission.predicate.roles):
            wrong.append((method, path, status))

    assert wrong == []


def test_a_visitor_is_led_to_sign_in_from_pages_and_told_401_by_the_api(
    app: Flask, client: Visitor
) -> None:
    for method, path, _access in guarded(app):
        answer = client.open(path, method=method)
        if path.startswith("/api/"):
            assert answer.status_code == 401, path
            assert answer.content_type == "application/problem+json"
        else:
            assert answer.status_code == 302, path
            assert answer.location.startswith("/login"), path


def test_after_signing_in_one_comes_back_to_the_page(client: Visitor) -> None:
    answer = client.get("/account/pledges?page=2")

    assert answer.location == "/login?next=/account/pledges?page%3D2"


def test_marks_are_read_through_other_decorators() -> None:
    @requires(READ_BOOKS)
    def books() -> str:
        return ""

    @signed_in
    def own() -> str:
        return ""

    assert access_of(books, "GET") == Access(permission=READ_BOOKS)
    assert access_of(own, "POST") == Access()
    assert access_of(lambda: "", "GET") is None
