"""Programs come in with a token, and it ends when it must."""

from datetime import timedelta
from http import HTTPStatus

import pytest
import sqlalchemy as sa
from flask import Flask

from octo.accounts.models import AccessToken, User
from octo.database import db, transaction
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.octo.mail.mailbox import Mailbox
from tests.program import Program
from tests.visitor import Visitor

EMAIL = "lena@example.org"
OTHER = "un autre mot de passe"


@pytest.fixture
def program(app: Flask) -> Program:
    return Program(app)


@pytest.fixture
def mailbox(app: Flask) -> Mailbox:
    return Mailbox(app)


def token_to(mailbox: Mailbox, email: str, path: str) -> str:
    return mailbox.link_to(email, path).rsplit("/", 1)[-1]


def test_a_token_opens_until_it_is_given_back(program: Program, make: Make) -> None:
    program.sign_in(make.user("Léna", email=EMAIL).email)
    assert program.get("/me")["name"] == "Léna"

    program.delete("/tokens/current")

    assert program.code("GET", "/me") == "401 token_not_valid"
    assert program.code("GET", "/campaigns") == "401 token_not_valid"


def test_the_secret_of_a_token_is_not_kept(program: Program, make: Make) -> None:
    program.sign_in(make.user().email)

    kept = db.session.scalars(sa.select(AccessToken)).one()

    assert program.token not in {kept.token_hash, kept.fs_uniquifier}


def test_a_token_ends_by_machine_time_and_no_jump_ends_it(
    program: Program, make: Make, moment: Moment
) -> None:
    program.sign_in(make.user().email)
    moment.advance(days=45)
    assert program.get("/me")

    with transaction() as session:
        token = session.scalars(sa.select(AccessToken)).one()
        token.created_at -= timedelta(days=31)
        token.expires_at -= timedelta(days=31)

    assert program.code("GET", "/me") == "401 token_not_valid"
    program.sign_in(make_again(program))
    assert db.session.scalar(sa.select(sa.func.count(AccessToken.id))) == 1


def make_again(program: Program) -> str:
    """Forget the token, and return whose it was."""
    program.token = None
    return db.session.scalars(sa.select(User.email)).one()


@pytest.mark.parametrize("path", ["/me/password", "/accounts/password"])
def test_another_password_ends_every_token(
    app: Flask, program: Program, make: Make, mailbox: Mailbox, path: str
) -> None:
    user = make.user(email=EMAIL)
    elsewhere = Program(app).sign_in(EMAIL)
    if path == "/me/password":
        program.sign_in(EMAIL)
        body = {"password": PASSWORD, "new_password": OTHER}
    else:
        program.post("/accounts/password-mail", {"email": EMAIL}, status=HTTPStatus.ACCEPTED)
        body = {"token": token_to(mailbox, EMAIL, "/reset/"), "password": OTHER}

    program.post(path, body, status=HTTPStatus.NO_CONTENT)

    assert elsewhere.code("GET", "/me") == "401 token_not_valid"
    assert Program(app).sign_in(EMAIL, OTHER).get("/me")["id"] == user.public_id
    assert mailbox.to(EMAIL)[-1].template == "password_changed"
    if path == "/accounts/password":
        assert program.code("POST", path, body) == "409 link_over"


def test_the_api_tells_no_known_address_from_another(
    program: Program, make: Make, mailbox: Mailbox
) -> None:
    make.user(email=EMAIL)
    wrong = {"password": "not the right password"}

    for path in ("/accounts/confirmation-mail", "/accounts/password-mail"):
        answers = [
            program.ask("POST", path, json={"email": email}) for email in (EMAIL, "new@example.org")
        ]
        assert [(one.status_code, one.text) for one in answers] == [(202, "null\n")] * 2
    for email in (EMAIL, "new@example.org"):
        account = {"email": email, "password": PASSWORD}
        program.post("/accounts", account, status=HTTPStatus.ACCEPTED)
    refusals = {
        program.ask("POST", "/tokens", json={"email": email, **wrong}).text
        for email in (EMAIL, "nobody@example.org")
    }

    assert len(refusals) == 1
    assert [mail.template for mail in mailbox.to(EMAIL)] == ["reset_password", "already_registered"]


def test_a_program_gets_no_cookie_and_needs_no_csrf_token(app: Flask, make: Make) -> None:
    program = Program(app)
    body = {"email": make.user().email, "password": PASSWORD}

    for path in ("/accounts", "/tokens"):
        assert "Set-Cookie" not in program.ask("POST", path, json=body).headers


def test_a_cookie_still_needs_the_csrf_token_beside_a_bearer(
    app: Flask, client: Visitor, make: Make
) -> None:
    user = make.user()
    token = Program(app).sign_in(user.email).token
    client.sign_in(user.email, PASSWORD)

    refused = client.patch(
        "/api/v1/me", json={"name": "Autre"}, headers={"Authorization": f"Bearer {token}"}
    )

    assert refused.get_json()["code"] == "form_too_old"


def test_a_bearer_opens_no_page(app: Flask, client: Visitor, make: Make) -> None:
    token = Program(app).sign_in(make.user().email).token

    page = client.get("/account", headers={"Authorization": f"Bearer {token}"})

    assert page.status_code == HTTPStatus.FOUND


def test_signing_up_names_every_wrong_field_at_once(program: Program) -> None:
    body = {"email": "pas une adresse", "name": "x" * 101, "password": "court", "role": "admin"}

    answer = program.ask("POST", "/accounts", json=body)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert set(answer.get_json()["errors"]) == {"email", "name", "password", "role"}
    assert answer.get_json()["errors"]["name"] == ["At most 100 characters."]
    french = program.ask("POST", "/accounts", json=body, headers={"Accept-Language": "fr"})
    assert french.get_json()["errors"]["role"] == ["Ce champ est inconnu."]


def test_an_account_is_erased_with_its_password_and_its_tokens(
    program: Program, make: Make
) -> None:
    program.sign_in(make.user(email=EMAIL).email)
    wrong = {"password": "not the right one"}
    assert program.code("POST", "/me/erasure", wrong) == "422 invalid"

    program.post("/me/erasure", {"password": PASSWORD}, status=HTTPStatus.NO_CONTENT)

    assert program.code("GET", "/me") == "401 token_not_valid"
    assert db.session.scalars(sa.select(User.email)).one().endswith("@erased.invalid")
