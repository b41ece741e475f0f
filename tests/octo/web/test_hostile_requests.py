"""Whatever a request carries, at every door, is answered or refused: never a fault of ours."""

import re
import time
from collections.abc import Iterator
from typing import Final

import pytest
import sqlalchemy as sa
from flask import Flask

from octo.accounts.access_tokens import give_token
from octo.accounts.models import Membership, RoleName, User
from octo.accounts.roles import grant_role
from octo.clock import DatabaseClock
from octo.database import db
from tests.make import PASSWORD, Make
from tests.program import Program
from tests.signing import sign
from tests.site import WEBHOOK_SECRET
from tests.visitor import Visitor, refresh

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
DEEP: Final = b'{"name":' * 5_000 + b"1" + b"}" * 5_000
UNREADABLE: Final = {
    "deep": DEEP,
    "deep enough for a walk alone": b'{"name":' * 900 + b"1" + b"}" * 900,
    "a long number": b'{"amount":' + b"9" * 6_000 + b"}",
    "more than any number": b'{"amount":1e400}',
    "no number": b'{"amount":NaN}',
    "without end": b'{"amount":-Infinity}',
    "not UTF-8": b'{"email":"\xff\xfe"}',
    "UTF-16": '{"email":"a@b.example"}'.encode("utf-16"),
    "NUL": b'{"email":"a\\u0000@b.example"}',
    "half a character": b'{"email":"\\ud800"}',
    "many values": b'{"kinds":[' + b"1," * 30_000 + b"1]}",
}
OTHER_KINDS: Final = {
    "XML": (b"<a/>", "application/xml"),
    "a form": (b"email=a%40b.example", FORM),
    "bytes": (b"\x00\xff", "application/octet-stream"),
    "another charset": (b"{}", f"{JSON}; charset=utf-16"),
    "no charset": (b"{}", f"{JSON}; charset=nothing"),
    "no type": (b"{}", "text/\x7f"),
    "parts without a boundary": (b"--x\r\n", "multipart/form-data"),
}
HEADERS: Final = (
    {"Authorization": "Basic \xff"},
    {"Authorization": "Bearer \xff"},
    {"Cookie": "remember_token=\xff|\xff; session=\xff; octo_language=\xff"},
    {"Accept-Language": "\xff;q=nan, fr;q=1e999, " + "x-" * 3_000},
    {"Range": "bytes=\xb2-\xb3"},
    {"If-None-Match": '"\xff"'},
    {"If-Modified-Since": "Fri, 31 Dec 9999 23:59:59 -2359"},
    {"X-CSRFToken": "\xff"},
    {"Idempotency-Key": "\xff" * 12},
    {"Referer": "http://[::1"},
    {"Origin": "http://[::1"},
    {"Host": "a b\xff"},
    {"X-Forwarded-For": "\xff"},
    {"Content-Type": "\xff/\xff; charset=\xff"},
)


@pytest.fixture
def admin(make: Make) -> User:
    """Make somebody who may enter every door."""
    campaign = make.live_campaign()
    person = db.session.scalars(
        sa.select(User).join(Membership).filter_by(organisation_id=campaign.organisation_id)
    ).one()
    grant_role(person.public_id, role=RoleName.ADMIN, actor="test", clock=DatabaseClock())
    refresh()
    return person


def doors(app: Flask, *, is_api: bool) -> Iterator[tuple[str, str]]:
    """Yield the method and address of every door that something may be sent to."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/") is is_api:
            for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH"}):
                yield method, re.sub(r"<[^>]+>", "nothing", rule.rule)


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_json_that_cannot_be_taken_is_refused_and_soon(app: Flask, body: bytes) -> None:
    began = time.monotonic()

    answer = Program(app).ask("POST", "/accounts", data=body, content_type=JSON)

    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["code"] == "bad_request"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(("body", "kind"), OTHER_KINDS.values(), ids=OTHER_KINDS)
def test_a_body_of_another_kind_is_no_empty_one(
    app: Flask, admin: User, body: bytes, kind: str
) -> None:
    program = Program(app).sign_in(admin.email)

    answer = program.ask("PATCH", "/me", data=body, content_type=kind)

    assert answer.status_code == 415
    assert answer.json is not None
    assert answer.json["code"] == "unsupported_media_type"


def test_every_door_of_the_api_refuses_what_it_cannot_read(app: Flask, admin: User) -> None:
    program = Program(app, token=give_token(admin.public_id, clock=DatabaseClock())[1])
    refresh()

    answered = {
        (method, path, kind): program.ask(
            method, path.removeprefix("/api/v1"), data=body, content_type=kind
        ).status_code
        for method, path in doors(app, is_api=True)
        if not path.endswith("/password")
        for body, kind in ((DEEP, JSON), (b"<a/>", "application/xml"))
    }

    assert len(answered) > 80
    assert [door for door, status in answered.items() if not 400 <= status < 500] == []


def test_every_page_refuses_what_is_no_form(app: Flask, client: Visitor, admin: User) -> None:
    client.sign_in(admin.email, PASSWORD)
    token = client.page("/account").xpath("//input[@name='csrf_token']/@value")[0]
    sent = ((DEEP, JSON), (b'"x"', JSON), (b"<a/>", "application/xml"), (b"reason=%00", FORM))

    answered = {
        (method, path, body[:10]): client.open(
            path, method=method, data=body, content_type=kind, headers={"X-CSRFToken": token}
        ).status_code
        for method, path in doors(app, is_api=False)
        for body, kind in sent
    }

    assert len(answered) > 150
    assert [door for door, status in answered.items() if not 400 <= status < 500] == []


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: next(iter(headers)))
def test_no_header_is_a_fault_of_ours(app: Flask, client: Visitor, headers: dict[str, str]) -> None:
    for path in (
        "/",
        "/login",
        "/account",
        "/campaigns",
        "/api/v1/campaigns",
        "/static/css/shell.css",
    ):
        assert client.get(path, headers=headers).status_code < 500, path
    for path in ("/login", "/api/v1/tokens", "/webhooks/stripe"):
        status = client.post(path, data=b"{}", headers=headers).status_code
        assert 400 <= status < 500, path


@pytest.mark.parametrize("wanted", ["//[", "http://[::1", "\\\\["])
@pytest.mark.parametrize("path", ["/login", "/register", "/verify"])
def test_a_page_to_go_on_to_that_is_no_address_is_refused(
    client: Visitor, admin: User, path: str, wanted: str
) -> None:
    if path == "/verify":
        client.sign_in(admin.email, PASSWORD)

    assert client.get(path, query_string={"next": wanted}).status_code == 400


@pytest.mark.parametrize("body", [DEEP, b"9" * 6_000, b"[]", b'{"id": "evt_\\u0000"}', b"\xff"])
def test_a_signed_event_that_cannot_be_kept_is_refused(client: Visitor, body: bytes) -> None:
    signature = sign(body.decode("utf-8", "replace"), WEBHOOK_SECRET, at=int(time.time()))

    answer = client.post("/webhooks/stripe", data=body, headers={"Stripe-Signature": signature})

    assert answer.status_code == 400


@pytest.mark.parametrize("page", ["9" * 30, "-1", "1e3", "٣"])
def test_a_page_of_a_list_that_is_no_number_is_the_nearest_there_is(
    client: Visitor, page: str
) -> None:
    for path in ("/dev/mail", "/campaigns"):
        assert client.get(path, query_string={"page": page}).status_code == 200


def test_the_mailbox_is_kept_by_no_browser(client: Visitor) -> None:
    assert client.get("/dev/mail").headers["Cache-Control"] == "no-store"
