"""``flask user``: what an operator types, what it answers, and with which exit code."""

import json
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from tests.make import PASSWORD, Make
from tests.visitor import Visitor

EMAIL = "maelle@example.org"


def run(app: Flask, *args: str) -> Result:
    return app.test_cli_runner().invoke(args=["user", *args])


def listed(app: Flask, *words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(run(app, "list", *words, "--json").stdout)
    return rows


def test_a_person_created_by_command_signs_in(app: Flask, client: Visitor) -> None:
    created = run(
        app, "create", EMAIL, "--name", "Maëlle", "--role", "admin", "--password", PASSWORD
    )

    assert created.exit_code == 0
    client.sign_in(EMAIL, PASSWORD)
    assert client.get("/admin/users").status_code == 200


def test_roles_come_and_go(app: Flask, make: Make) -> None:
    make.user(email=EMAIL)

    assert run(app, "grant", EMAIL, "moderator").exit_code == 0
    assert run(app, "grant", EMAIL, "moderator").exit_code == 0
    assert listed(app)[0]["roles"] == ["moderator"]
    assert run(app, "revoke", EMAIL, "moderator").exit_code == 0
    assert listed(app)[0]["roles"] == []


def test_people_are_listed_by_words(app: Flask, make: Make) -> None:
    make.user("Léa Riou", email="lea@example.org")
    make.user("Yann Kerbrat", email="yann@example.org")

    assert [row["email"] for row in listed(app, "kerbrat")] == ["yann@example.org"]


@pytest.mark.parametrize(
    ("args", "exit_code"),
    [
        (["create", EMAIL, "--password", PASSWORD], 1),
        (["create", "not an address", "--password", PASSWORD], 2),
        (["grant", "not an address", "admin"], 2),
        (["create", "new@example.org", "--password", "short"], 2),
        (["create", "new@example.org", "--password", PASSWORD, "--role", "king"], 2),
        (["grant", "nobody@example.org", "admin"], 1),
        (["revoke", "nobody@example.org", "admin"], 1),
        (["grant", EMAIL], 2),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    app: Flask, make: Make, args: list[str], exit_code: int
) -> None:
    make.user(email=EMAIL)

    result = run(app, *args)

    assert result.exit_code == exit_code
    assert result.stderr
    assert [row["email"] for row in listed(app)] == [EMAIL]


def test_a_refusal_is_told_in_json_with_its_code(app: Flask, make: Make) -> None:
    make.user(email=EMAIL)

    taken = run(app, "create", EMAIL, "--password", PASSWORD, "--json")
    unknown = run(app, "grant", "nobody@example.org", "admin", "--json")

    assert (taken.exit_code, json.loads(taken.stdout)["code"]) == (1, "email_taken")
    assert (unknown.exit_code, json.loads(unknown.stdout)["code"]) == (1, "not_found")
