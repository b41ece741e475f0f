"""Signing out ends a session: a copy of its cookies opens nothing any more."""

import pytest
import sqlalchemy as sa
from flask import Flask

from octo.accounts.access_tokens import TOKEN_LASTS
from octo.accounts.models import AccessToken
from octo.database import db
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.visitor import Visitor, refresh


def copied(app: Flask, client: Visitor) -> Visitor:
    """Give a thief's browser every cookie of somebody's."""
    thief = app.test_client()
    assert isinstance(thief, Visitor)
    for name in ("session", "remember_token"):
        if cookie := client.get_cookie(name):
            thief.set_cookie(name, cookie.value)
    return thief


def is_in(client: Visitor) -> bool:
    return client.get("/account").status_code == 200


@pytest.fixture(params=["for this visit", "on this device"])
def signed_in(request: pytest.FixtureRequest, client: Visitor, make: Make) -> Visitor:
    """Sign somebody in, with and without the cookie that lasts."""
    remember = {"remember": "y"} if request.param == "on this device" else {}
    client.submit(
        "/login", {"email": make.user().email, "password": PASSWORD, **remember}, form="/login"
    )
    assert is_in(client)
    assert (client.get_cookie("remember_token") is not None) == bool(remember)
    return client


def test_a_copy_of_the_cookies_ends_with_the_session(app: Flask, signed_in: Visitor) -> None:
    thief = copied(app, signed_in)
    assert is_in(thief)

    signed_in.submit("/account", form="/logout")

    assert not is_in(thief)
    assert not is_in(signed_in)
    refresh()
    assert db.session.scalar(sa.select(sa.func.count(AccessToken.id))) == 0


def test_each_device_has_its_own_and_all_end_at_once_when_asked(
    app: Flask, client: Visitor, make: Make
) -> None:
    email = make.user().email
    other = app.test_client()
    assert isinstance(other, Visitor)
    third = app.test_client()
    assert isinstance(third, Visitor)
    for device in (client, other, third):
        device.sign_in(email, PASSWORD)

    other.submit("/account", form="/logout")
    assert (is_in(client), is_in(other), is_in(third)) == (True, False, True)
    client.submit("/account", form="/sign-out-everywhere")

    assert not is_in(client)
    assert not is_in(third)


def test_another_password_ends_the_other_sessions_and_not_this_one(
    app: Flask, signed_in: Visitor
) -> None:
    thief = copied(app, signed_in)
    other = "un autre mot de passe"
    asked = {"password": PASSWORD, "new_password": other, "new_password_confirm": other}

    signed_in.submit("/account/password", asked)

    assert is_in(signed_in)
    assert not is_in(thief)


def test_a_browsers_token_is_no_programs_and_ends_by_itself(
    app: Flask, signed_in: Visitor, moment: Moment
) -> None:
    with signed_in.session_transaction() as session:
        secret = session["_user_id"]
    del app, moment
    answer = signed_in.application.test_client().get(
        "/api/v1/me", headers={"Authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 401

    token = db.session.scalars(sa.select(AccessToken)).one()
    assert token.expires_at - token.created_at == TOKEN_LASTS
    assert secret not in {token.token_hash, token.fs_uniquifier}
