"""Whoever guesses a password locks nobody out: known devices and the mailed link still pass."""

import pytest
from flask import Flask

from tests.make import PASSWORD, Make
from tests.octo.mail.mailbox import Mailbox
from tests.visitor import Visitor

pytestmark = pytest.mark.counted


def device(app: Flask, address: str) -> Visitor:
    """Give another device, on a network of its own."""
    found = app.test_client()
    assert isinstance(found, Visitor)
    found.environ_base["REMOTE_ADDR"] = address
    return found


def try_password(client: Visitor, email: str, password: str) -> int:
    entries = {"email": email, "password": password}
    return client.submit("/login", entries, form="/login", follow=False).status_code


def test_thirty_wrong_tries_lock_a_stranger_out_and_not_the_treasurer(
    app: Flask, make: Make
) -> None:
    email = make.user().email
    at_home, elsewhere = device(app, "192.0.2.1"), device(app, "192.0.2.2")
    assert try_password(at_home, email, PASSWORD) == 302
    at_home.submit("/account", form="/logout")

    tries = [
        try_password(device(app, f"198.51.100.{number}"), email, "wrong") for number in range(31)
    ]

    assert (tries[0], tries[-1]) == (200, 429)
    assert try_password(elsewhere, email, PASSWORD) == 429
    assert try_password(at_home, email, PASSWORD) == 302

    elsewhere.submit("/reset", {"email": email}, form="/reset")
    link = Mailbox(app).link_to(email, "/reset/")
    new = "un autre mot de passe"
    elsewhere.submit(link, {"password": new, "password_confirm": new})
    assert try_password(elsewhere, email, new) == 302


def test_a_device_is_known_for_its_own_people_alone(app: Flask, make: Make) -> None:
    one, other = make.user().email, make.user().email
    shared = device(app, "192.0.2.1")
    assert try_password(shared, one, PASSWORD) == 302
    shared.submit("/account", form="/logout")
    for number in range(31):
        try_password(device(app, f"198.51.100.{number}"), other, "wrong")

    assert try_password(shared, other, PASSWORD) == 429


def test_a_device_that_guesses_is_counted_although_it_is_known(app: Flask, make: Make) -> None:
    email = make.user().email
    known = device(app, "192.0.2.1")
    assert try_password(known, email, PASSWORD) == 302
    known.submit("/account", form="/logout")

    tries = []
    for number in range(31):
        known.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
        tries.append(try_password(known, email, "wrong"))

    assert tries[-1] == 429


@pytest.mark.parametrize("forged", ["", "x", "W10.", "a.b.c"])
def test_a_cookie_that_is_not_ours_makes_no_device_known(
    app: Flask, make: Make, forged: str
) -> None:
    email = make.user().email
    client = device(app, "192.0.2.1")
    client.set_cookie("octo_device", forged)

    assert try_password(client, email, PASSWORD) == 302
