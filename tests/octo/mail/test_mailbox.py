"""The demo's mailbox: every mail, readable, and able to do nothing but be read."""

from http import HTTPStatus

import pytest
from flask import Flask

from octo.worker import run_due
from tests.make import Make
from tests.octo.mail.mailbox import Mailbox
from tests.site import build_app, close
from tests.visitor import Visitor

ADDRESS = "lea@example.org"


@pytest.fixture
def mailbox(app: Flask) -> Mailbox:
    return Mailbox(app)


def test_a_visitor_reads_a_mail_and_follows_its_link(
    app: Flask, client: Visitor, make: Make
) -> None:
    make.user(email=ADDRESS)
    client.submit("/reset", {"email": ADDRESS})
    run_due(app)

    [row] = client.page("/dev/mail").xpath("//tbody//a/@href")
    page = client.page(row)
    frame = page.xpath("//iframe")[0]

    assert "allow-scripts" not in frame.get("sandbox")
    [link, *_] = page.xpath("//pre//a/@href")
    assert "/reset/" in link
    assert client.get(link).status_code == HTTPStatus.OK


def test_a_mail_in_its_frame_can_do_nothing(client: Visitor, make: Make, mailbox: Mailbox) -> None:
    make.user(email=ADDRESS)
    client.submit("/reset", {"email": ADDRESS})

    response = client.get(f"/dev/mail/{mailbox.to(ADDRESS)[0].public_id}/html")

    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "sandbox " in policy
    assert "script-src" not in policy


def test_the_mailbox_shows_the_mails_to_one_address(client: Visitor, make: Make) -> None:
    for email in (ADDRESS, "yann@example.org"):
        make.user(email=email)
        client.submit("/reset", {"email": email})

    text = client.page("/dev/mail?to=LEA").text_content()

    assert ADDRESS in text
    assert "yann@example.org" not in text


def test_outside_the_demo_there_is_no_mailbox(environ: dict[str, str]) -> None:
    app = build_app({**environ, "OCTO_DEMO": "0", "MAIL_URL": "smtp://127.0.0.1:9"})

    with app.app_context():
        assert app.test_client().get("/dev/mail").status_code == HTTPStatus.NOT_FOUND
    close(app)
