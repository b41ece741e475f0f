"""Whoever watches over the site reads in its log who was let in, who was not, and what changed."""

import json

import pytest
from flask import Flask

from octo.logging import configure_logging
from tests.make import PASSWORD, Make
from tests.program import Program
from tests.visitor import Visitor

NEW = "un autre mot de passe"


@pytest.fixture(autouse=True)
def as_served(app: Flask) -> None:
    """Log as a site does that is no demo."""
    del app
    configure_logging(is_demo=False)


def noted(capfd: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    """Return the security events of the log."""
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line[:1] == "{"]
    return [line for line in lines if str(line["event"]).startswith("security_")]


def test_the_life_of_a_session_is_noted(
    client: Visitor, make: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    user = make.user()
    entries = {"email": user.email, "password": "wrong"}
    client.submit("/login", entries, form="/login")
    client.sign_in(user.email, PASSWORD)
    client.submit(
        "/account/password",
        {"password": PASSWORD, "new_password": NEW, "new_password_confirm": NEW},
    )
    client.get("/treasury")
    client.submit("/account", form="/logout")

    told = noted(capfd)

    events = [one["event"].removeprefix("security_") for one in told]
    assert events[:2] == ["sign_in_refused", "signed_in"]
    assert {"password_changed", "forbidden"} <= set(events)
    assert events[-1] == "signed_out"
    assert {one["user"] for one in told if "user" in one} == {user.public_id}
    assert all(one["address"] == "127.0.0.1" and one["request"] for one in told)


def test_a_program_is_noted_and_no_secret_is(
    app: Flask, make: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    user = make.user()
    program = Program(app).sign_in(user.email)
    Program(app, token="nobody's").ask("GET", "/me")
    Program(app).ask("POST", "/tokens", json={"email": "nobody@example.org", "password": NEW})
    program.ask("GET", "/treasury/position")

    err = capfd.readouterr().err

    for event in ("token_given", "not_let_in", "sign_in_refused", "forbidden"):
        assert f'"security_{event}"' in err
    for secret in (PASSWORD, NEW, user.email, "nobody"):
        assert secret not in err


def test_a_form_without_its_token_is_noted(
    client: Visitor, capfd: pytest.CaptureFixture[str]
) -> None:
    client.post("/login", data={"email": "a@example.org", "password": "x"})

    assert [one["event"] for one in noted(capfd)] == ["security_form_refused"]
