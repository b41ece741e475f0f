"""What every answer carries, and how refusals and failures are told."""

import json

import pytest
from flask import Flask, abort, request

from octo.errors import ConflictError, InvalidError, UnavailableError
from octo.web.permissions import public
from octo.web.security import without_csrf
from tests.make import PASSWORD, Make
from tests.program import Program
from tests.visitor import Visitor, parse


def plant(app: Flask, path: str, error: Exception | None = None, *, method: str = "GET") -> None:
    """Open a page of this test's own, which answers or fails."""

    @public
    def planted() -> str:
        if error is not None:
            raise error
        return request.form.get("said", "nothing")

    app.add_url_rule(path, path, planted, methods=[method])


def test_every_page_forbids_scripts_styles_and_frames_from_elsewhere(client: Visitor) -> None:
    answer = client.get("/")
    policy = answer.headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "data:" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"


@pytest.mark.parametrize("path", ["/", "/campaigns", "/login", "/register", "/api", "/nowhere"])
def test_pages_carry_no_inline_script_or_style(client: Visitor, path: str) -> None:
    page = parse(client.get(path))

    assert page.xpath("//script[not(@src)] | //style | //@style | //@onclick | //@onload") == []
    for address in page.xpath("//link/@href | //img/@src | //script/@src"):
        assert address.startswith("/"), address


def test_a_visit_without_a_form_sets_no_cookie(client: Visitor) -> None:
    assert "Set-Cookie" not in client.get("/").headers


def test_the_session_cookie_is_out_of_reach_of_scripts(client: Visitor) -> None:
    cookie = client.get("/login").headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_static_files_keep_for_a_year_under_their_version_only(client: Visitor) -> None:
    sheet = next(h for h in parse(client.get("/")).xpath("//link/@href") if "shell.css" in h)

    assert "immutable" in client.get(sheet).headers["Cache-Control"]
    assert "immutable" not in client.get("/static/css/shell.css").headers["Cache-Control"]
    assert "immutable" not in client.get("/static/css/shell.css?v=old").headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/reset", "/api/v1/campaigns"])
def test_what_everybody_sees_is_kept_by_its_reader_alone(client: Visitor, path: str) -> None:
    assert client.get(path).headers["Cache-Control"] == "private, no-cache"


def test_what_a_mailed_link_opens_is_kept_by_nobody(client: Visitor, make: Make) -> None:
    campaign = make.live_campaign()
    body = {"amount": 15_00, "email": "ana@example.org", "visibility": "anonymous"}
    program = Program(make.app)
    placed = program.post(
        f"/campaigns/{campaign.public_id}/pledges", body, status=201, key="k" * 20
    )
    token = placed["receipt_token"]

    for answer in (program.ask("GET", f"/receipts/{token}"), client.get(f"/pledges/{token}")):
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"


def test_who_signs_in_has_another_form_token(client: Visitor, make: Make) -> None:
    def token() -> str:
        return str(parse(client.get("/login")).xpath("//input[@name='csrf_token']/@value")[0])

    def secret() -> str:
        with client.session_transaction() as session:
            return str(session["csrf_token"])

    before, known = token(), secret()

    client.sign_in(make.user().email, PASSWORD)
    client.get("/account")

    assert secret() != known
    assert client.post("/logout", data={"csrf_token": before}).status_code == 400


def test_a_form_without_its_token_is_refused_and_says_what_to_do(
    app: Flask, client: Visitor
) -> None:
    plant(app, "/planted", method="POST")

    answer = client.post("/planted", data={"said": "hello"}, headers={"Accept-Language": "en"})

    assert answer.status_code == 400
    assert "too old" in answer.text


def test_the_api_demands_the_token_as_soon_as_a_session_could_be_abused(
    app: Flask, client: Visitor
) -> None:
    plant(app, "/api/planted", method="POST")
    assert client.post("/api/planted", data={"said": "hello"}).text == "hello"

    client.get("/login")
    answer = client.post("/api/planted", data={"said": "hello"})

    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["code"] == "form_too_old"


def test_a_view_that_proves_its_caller_otherwise_needs_no_token(
    app: Flask, client: Visitor
) -> None:
    @public
    @without_csrf
    def hook() -> str:
        return "taken"

    app.add_url_rule("/hook", "hook", hook, methods=["POST"])

    assert client.post("/hook").text == "taken"


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422, 429, 500, 503])
def test_each_refusal_has_a_page_and_a_problem(app: Flask, client: Visitor, status: int) -> None:
    @public
    def planted() -> str:
        abort(status)

    app.add_url_rule("/planted", "planted", planted)
    app.add_url_rule("/api/planted", "planted_api", planted)

    page = client.get("/planted")
    problem = client.get("/api/planted")

    assert page.status_code == problem.status_code == status
    assert parse(page).findtext(".//h1")
    assert problem.content_type == "application/problem+json"
    assert json.loads(problem.text)["status"] == status


def test_a_refusal_of_a_service_keeps_its_code_and_field(app: Flask, client: Visitor) -> None:
    plant(app, "/api/planted", InvalidError("At most %(most)s.", field="amount", most=3))

    answer = client.get("/api/planted", headers={"Accept-Language": "en"})

    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["code"] == "invalid"
    assert answer.json["detail"] == "At most 3."
    assert answer.json["errors"] == {"amount": ["At most 3."]}


def test_unavailable_says_when_to_come_back(app: Flask, client: Visitor) -> None:
    plant(app, "/planted", UnavailableError("Stripe does not answer."))

    assert client.get("/planted").headers["Retry-After"] == "30"


def test_a_fault_of_ours_shows_no_detail_and_a_reference(app: Flask, client: Visitor) -> None:
    plant(app, "/planted", RuntimeError("secret detail"))

    answer = client.get("/planted?lang=en")

    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "reference" in answer.text


def test_what_people_sent_is_escaped_in_a_refusal(app: Flask, client: Visitor) -> None:
    plant(app, "/planted", ConflictError("Not %(name)s.", name="<script>"))

    assert "<script>" not in client.get("/planted").text


def test_a_missing_entry_is_refused_in_our_words(app: Flask, client: Visitor) -> None:
    @public
    def planted() -> str:
        return request.args["missing"]

    app.add_url_rule("/planted", "planted", planted)

    answer = client.get("/planted?lang=en")

    assert answer.status_code == 400
    assert "browser (or proxy)" not in answer.text


def test_too_large_a_request_is_refused(app: Flask, client: Visitor) -> None:
    plant(app, "/api/planted", method="POST")
    app.config["MAX_CONTENT_LENGTH"] = 1000

    assert client.post("/api/planted", data={"said": "x" * 2000}).status_code == 413


def test_the_api_is_described_in_openapi_3_1_and_on_a_page(client: Visitor) -> None:
    document = client.get("/api/v1/openapi.json").json

    assert document is not None
    assert document["openapi"] == "3.1.0"
    page = client.get("/api").text
    assert all(path in page for path in document["paths"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/campaigns/%00", 404),
        ("/campaigns?q=%00", 400),
        ("/api/v1/campaigns/%00", 404),
        ("/api/v1/campaigns?q=%00", 400),
    ],
)
def test_what_no_database_can_hold_is_no_address(client: Visitor, path: str, status: int) -> None:
    assert client.get(path).status_code == status


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800"])
@pytest.mark.parametrize("body", ['{"token": "%s"}', '{"%s": 1}', '{"token": ["%s"]}'])
def test_what_no_database_can_hold_is_no_body(client: Visitor, body: str, text: str) -> None:
    answer = client.post(
        "/api/v1/supporters/confirmation", data=body % text, content_type="application/json"
    )

    assert answer.status_code == 400
