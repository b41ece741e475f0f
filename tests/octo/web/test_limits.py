"""Guessing and flooding are slowed down, and a person is never locked out by others."""

from http import HTTPStatus

import pytest
from flask import Flask

from tests.make import PASSWORD, Make
from tests.program import Program
from tests.visitor import Visitor

pytestmark = pytest.mark.counted


def try_to_sign_in(client: Visitor, email: str, password: str, *, address: str) -> int:
    token = client.page("/login").xpath("//input[@name='csrf_token']/@value")[0]
    return client.post(
        "/login",
        data={"email": email, "password": password, "csrf_token": token},
        environ_overrides={"REMOTE_ADDR": address},
    ).status_code


def test_guessing_from_one_address_is_stopped(client: Visitor, make: Make) -> None:
    email = make.user().email

    answers = [try_to_sign_in(client, email, f"guess {n}", address="192.0.2.1") for n in range(21)]

    assert answers[0] == HTTPStatus.OK
    assert answers[-1] == HTTPStatus.TOO_MANY_REQUESTS


def test_guessing_one_account_from_many_addresses_is_stopped(client: Visitor, make: Make) -> None:
    email = make.user().email

    answers = [
        try_to_sign_in(client, email, f"guess {n}", address=f"192.0.2.{n}") for n in range(31)
    ]

    assert answers[-1] == HTTPStatus.TOO_MANY_REQUESTS


def test_signing_in_rightly_uses_no_try_of_the_account(client: Visitor, make: Make) -> None:
    email = make.user().email

    for n in range(31):
        assert try_to_sign_in(client, email, PASSWORD, address=f"192.0.2.{n}") == HTTPStatus.FOUND
        client.submit("/account", form="/logout")


def test_one_mailbox_is_not_flooded(client: Visitor, make: Make) -> None:
    email = make.user().email

    answers = [client.submit("/reset", {"email": email}).status_code for _ in range(6)]

    assert answers[-1] == HTTPStatus.TOO_MANY_REQUESTS


def test_reading_the_forms_is_never_limited(client: Visitor) -> None:
    assert {client.get("/login").status_code for _ in range(150)} == {HTTPStatus.OK}


def test_guessing_by_page_and_by_program_is_one_guessing(
    app: Flask, client: Visitor, make: Make
) -> None:
    entered = {"email": make.user().email, "password": "a guess too many"}
    token = client.page("/login").xpath("//input[@name='csrf_token']/@value")[0]
    for _ in range(10):
        client.post("/login", data={**entered, "csrf_token": token})

    answers = [Program(app).ask("POST", "/tokens", json=entered) for _ in range(11)]

    assert answers[9].status_code == HTTPStatus.UNAUTHORIZED
    assert answers[10].status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert answers[10].get_json()["code"] == "too_many_requests"


def test_one_mailbox_is_not_flooded_by_page_and_by_program(
    app: Flask, client: Visitor, make: Make
) -> None:
    email = make.user().email
    for _ in range(3):
        client.submit("/reset", {"email": email})

    answers = [
        Program(app).ask("POST", "/accounts/password-mail", json={"email": email}).status_code
        for _ in range(3)
    ]

    assert answers == [202, 202, 429]
