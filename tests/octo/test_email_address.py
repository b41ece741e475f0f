"""An address that is accepted can be mailed, and one check says so at every door."""

from typing import Final

import pytest
from flask import Flask

from octo.email_address import BadEmailError, mailable, normalise_email
from tests.make import PASSWORD, Make
from tests.program import Program
from tests.visitor import Visitor

REFUSED: Final = (
    "",
    "lea",
    "lea@courriel",
    "lea@courriel..example",
    "lea@sub.-bad.example",
    "lea@-bad.example",
    "lea..riou@courriel.example",
    ".lea@courriel.example",
    "lea.@courriel.example",
    "“lea”@courriel.example",
    '"lea riou"@courriel.example',
    "léa@courriel.example",
    "lea@[192.0.2.1]",
    "lea@192.0.2.1",
    "lea@localhost",
    "lea@courriel.example, ana@courriel.example",
    "Léa <lea@courriel.example>",
    "lea@@courriel.example",
    "lea riou@courriel.example",
    "lea@courriel.example\r\nBcc: ana@courriel.example",
    f"{'l' * 65}@courriel.example",
    f"lea@{'c' * 250}.example",
)
TAKEN: Final = {
    "o'connor@courriel.example": "o'connor@courriel.example",
    "jean+don@courriel.example": "jean+don@courriel.example",
    "  LEA@Courriel.Example\n": "lea@courriel.example",
    "lea\u200b@courriel.example": "lea@courriel.example",
    "\ufefflea@cour\u00adriel.example\u2060": "lea@courriel.example",
    "user@exämple.org": "user@exämple.org",
    "user@xn--exmple-cua.org": "user@exämple.org",
    "user@faß.example": "user@faß.example",
}


@pytest.mark.parametrize("written", REFUSED)
def test_an_address_that_no_server_takes_is_refused(written: str) -> None:
    with pytest.raises(BadEmailError):
        normalise_email(written)


@pytest.mark.parametrize(("written", "kept"), TAKEN.items())
def test_an_address_is_kept_in_one_way_and_can_be_mailed(written: str, kept: str) -> None:
    assert normalise_email(written) == kept == normalise_email(kept)
    assert mailable(kept).isascii()


def test_a_domain_in_letters_of_its_own_is_mailed_in_ascii() -> None:
    assert mailable("user@exämple.org") == "user@xn--exmple-cua.org"
    assert mailable("user@faß.example") == "user@xn--fa-hia.example"  # IDNA 2008 keeps the ß


@pytest.mark.parametrize("kept", ["admin@intranet.local", "léa@courriel.example"])
def test_who_has_an_account_by_an_address_refused_today_still_signs_in(
    app: Flask, client: Visitor, make: Make, kept: str
) -> None:
    make.user(email=kept)

    client.sign_in(kept.upper(), PASSWORD)
    Program(app).sign_in(kept)
    granted = app.test_cli_runner().invoke(args=["user", "grant", kept, "moderator"])

    assert granted.exit_code == 0, granted.output


def test_no_new_account_is_made_by_one(app: Flask) -> None:
    body = {"email": "léa@courriel.example", "password": PASSWORD}

    Program(app).post("/accounts", body, status=422)


def test_a_pledge_and_a_support_ask_the_same(app: Flask, make: Make) -> None:
    program = Program(app)
    live, gathering = make.live_campaign(), make.gathering_campaign()
    pledged = {"amount": 15_00, "visibility": "anonymous"}

    for email, kept in TAKEN.items():
        body = {**pledged, "email": email}
        answer = program.ask("POST", f"/campaigns/{live.public_id}/pledge-sums", json=body)
        assert answer.status_code == 200, (email, kept, answer.text)
    for email in REFUSED:
        body = {**pledged, "email": email}
        sums = program.ask("POST", f"/campaigns/{live.public_id}/pledge-sums", json=body)
        support = program.ask(
            "POST", f"/campaigns/{gathering.public_id}/supporters", json={"email": email}
        )
        assert (sums.status_code, support.status_code) == (422, 422), email
        assert "email" in sums.get_json()["errors"]
