"""Coming in: signing up, confirming, signing in and out, a lost password."""

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask

from octo.accounts.sign_in import People
from tests.make import PASSWORD, Make
from tests.octo.mail.mailbox import Mailbox
from tests.visitor import Visitor, parse

EMAIL = "Gwenael.LeDu@Example.org"
ADDRESS = "gwenael.ledu@example.org"

pytestmark = pytest.mark.dates


@pytest.fixture
def mailbox(app: Flask) -> Mailbox:
    return Mailbox(app)


def sign_up(client: Visitor, email: str = EMAIL) -> str:
    entries = {"name": "Gwenaël Le Dû", "email": email, "password": PASSWORD}
    return client.submit("/register", entries).get_data(as_text=True)


def is_signed_in(client: Visitor) -> bool:
    return client.get("/account").status_code == HTTPStatus.OK


def test_a_person_signs_up_confirms_and_signs_in(client: Visitor, mailbox: Mailbox) -> None:
    sign_up(client)

    client.submit("/login", {"email": EMAIL, "password": PASSWORD}, form="/login")
    assert not is_signed_in(client)

    client.get(mailbox.link_to(ADDRESS, "/confirm/"))
    client.sign_in(EMAIL, PASSWORD)

    page = client.page("/account")
    assert "Gwenaël Le Dû" in page.text_content()
    assert ADDRESS in page.text_content()


def test_signing_out_ends_the_session(client: Visitor, make: Make) -> None:
    user = make.user()
    client.sign_in(user.email, PASSWORD)

    client.submit("/account", form="/logout")

    assert not is_signed_in(client)


def test_a_password_is_kept_as_argon2id(client: Visitor, make: Make) -> None:
    assert (make.user().password or "").startswith("$argon2id$")


def test_no_page_says_whether_an_address_is_known(client: Visitor, make: Make) -> None:
    make.user(email="known@example.org")

    def seen(path: str, email: str, **more: str) -> tuple[int, str]:
        client.get("/?lang=en")
        response = client.submit(path, {"email": email, **more}, form=path)
        text = re.sub(r'value="[^"]*"', "", response.get_data(as_text=True)).replace(email, "")
        return response.status_code, text

    wrong = {"password": "not the right password"}
    assert seen("/login", "known@example.org", **wrong) == seen(
        "/login", "new@example.org", **wrong
    )
    assert seen("/reset", "known@example.org") == seen("/reset", "other@example.org")
    assert seen("/confirm", "known@example.org") == seen("/confirm", "other@example.org")
    new = {"password": PASSWORD, "name": "X"}
    assert seen("/register", "known@example.org", **new) == seen(
        "/register", "n@example.org", **new
    )


def test_signing_up_again_mails_a_way_in_to_the_owner_of_the_address(
    client: Visitor, make: Make, mailbox: Mailbox
) -> None:
    make.user(email=ADDRESS)

    sign_up(client)

    assert [mail.template for mail in mailbox.to(ADDRESS)] == ["already_registered"]
    assert "/reset" in mailbox.text_of(mailbox.to(ADDRESS)[0])


def test_signing_up_again_before_confirming_mails_the_link_again(
    client: Visitor, mailbox: Mailbox
) -> None:
    sign_up(client)
    sign_up(client)

    assert [mail.template for mail in mailbox.to(ADDRESS)] == ["verify_email", "verify_email"]


def test_of_two_sign_ups_at_once_the_second_comes_later(
    client: Visitor, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_user = People.find_user
    sign_up(client)
    missed = iter([True])

    def find_too_early(people: People, **known: Any) -> Any:
        return None if next(missed, False) else find_user(people, **known)

    monkeypatch.setattr(People, "find_user", find_too_early)
    page = sign_up(client)

    assert len(mailbox.to(ADDRESS)) == 2
    assert page.count(ADDRESS) == 1


def test_a_lost_password_is_replaced_by_a_mailed_link_that_works_once(
    client: Visitor, make: Make, mailbox: Mailbox
) -> None:
    user = make.user(email=ADDRESS)
    client.submit("/reset", {"email": EMAIL}, form="/reset")
    link = mailbox.link_to(ADDRESS, "/reset/")
    new = "un autre mot de passe"

    client.submit(link, {"password": new, "password_confirm": new})
    client.sign_in(user.email, new)

    assert client.get(link).status_code == HTTPStatus.FOUND
    assert [mail.template for mail in mailbox.to(ADDRESS)] == ["reset_password", "password_changed"]


def test_a_mailed_link_leads_home_whatever_host_was_asked(
    client: Visitor, make: Make, mailbox: Mailbox
) -> None:
    make.user(email=ADDRESS)

    client.submit("/reset", {"email": EMAIL}, form="/reset")
    token = client.page("/reset").xpath("//input[@name='csrf_token']/@value")[0]
    client.post(
        "/reset", data={"email": ADDRESS, "csrf_token": token}, headers={"Host": "evil.example"}
    )

    links = [mailbox.text_of(mail) for mail in mailbox.to(ADDRESS)]
    assert not any("evil.example" in text for text in links)


def test_changing_the_password_signs_every_other_device_out(
    app: Flask, client: Visitor, make: Make
) -> None:
    user = make.user()
    phone = app.test_client()
    assert isinstance(phone, Visitor)
    for device in (client, phone):
        device.sign_in(user.email, PASSWORD)
    new = "un autre mot de passe"

    client.submit(
        "/account/password",
        {"password": PASSWORD, "new_password": new, "new_password_confirm": new},
    )

    assert is_signed_in(client)
    assert not is_signed_in(phone)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "court"),
        ("password", ""),
        ("email", "not an address"),
        ("email", "a@b"),
        ("email", ""),
        ("name", "x" * 101),
    ],
)
def test_what_is_refused_is_said_beside_its_field(
    client: Visitor, mailbox: Mailbox, field: str, value: str
) -> None:
    entries = {"email": EMAIL, "password": PASSWORD, "name": "Gwenaël", field: value}

    page = parse(client.submit("/register", entries))

    assert page.xpath(f"//p[@id='{field}-error']"), "no error beside the field"
    assert mailbox.to(ADDRESS) == []


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
    ],
)
def test_signing_in_never_leads_away_from_the_site(
    client: Visitor, make: Make, target: str
) -> None:
    user = make.user()

    response = client.submit(
        "/login",
        {"email": user.email, "password": PASSWORD, "next": target},
        form="/login",
        follow=False,
    )

    assert response.status_code == HTTPStatus.FOUND
    as_browsers_read_it = re.sub(r"[\t\r\n]", "", response.headers["Location"]).replace("\\", "/")
    reached = urlsplit(urljoin("http://localhost/login", as_browsers_read_it))
    assert (reached.scheme, reached.netloc) == ("http", "localhost")


def test_signing_in_leads_back_to_the_page_asked_for(client: Visitor, make: Make) -> None:
    user = make.user()
    asked = client.get("/account/organisations/new")

    response = client.submit(
        asked.headers["Location"],
        {"email": user.email, "password": PASSWORD},
        form="/login",
        follow=False,
    )

    assert response.headers["Location"] == "/account/organisations/new"
