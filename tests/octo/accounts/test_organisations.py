"""Running things together: organisations, invitations, roles, and leaving."""

from http import HTTPStatus

import pytest
import sqlalchemy as sa
from flask import Flask

from octo.accounts.erasure import register_eraser
from octo.accounts.models import MemberRole, Membership, Organisation, RoleName, User
from octo.audit import AuditEvent
from octo.database import db
from octo.errors import ConflictError
from tests.make import PASSWORD, Make
from tests.octo.mail.mailbox import Mailbox
from tests.visitor import Visitor, parse

ORGANISATION = {"name": "Les Jardins de Kerzouar", "legal_form": "association", "place": "Brest"}


@pytest.fixture
def mailbox(app: Flask) -> Mailbox:
    return Mailbox(app)


@pytest.fixture
def owner(client: Visitor, make: Make) -> User:
    user = make.user("Nolwenn")
    client.sign_in(user.email, PASSWORD)
    client.submit("/account/organisations/new", ORGANISATION)
    return user


def roles_of(user: User) -> set[str]:
    db.session.refresh(user)
    return {role.name for role in user.roles}


def only_organisation() -> Organisation:
    return db.session.scalars(sa.select(Organisation)).one()


def page_of(organisation: Organisation) -> str:
    return f"/account/organisations/{organisation.public_id}"


def other_visitor(app: Flask) -> Visitor:
    visitor = app.test_client()
    assert isinstance(visitor, Visitor)
    return visitor


def test_who_creates_an_organisation_is_its_first_member_and_an_owner(owner: User) -> None:
    organisation = only_organisation()

    assert organisation.slug == "les-jardins-de-kerzouar"
    assert roles_of(owner) == {"owner"}
    [membership] = db.session.scalars(sa.select(Membership))
    assert (membership.user_id, membership.role) == (owner.id, MemberRole.OWNER)


def test_a_name_taken_twice_gets_two_addresses(client: Visitor, owner: User) -> None:
    client.submit("/account/organisations/new", ORGANISATION)

    slugs = set(db.session.scalars(sa.select(Organisation.slug)))
    assert slugs == {"les-jardins-de-kerzouar", "les-jardins-de-kerzouar-2"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("registration_number", "732829321"),
        ("registration_number", "12"),
        ("legal_form", "cartel"),
        ("description", "x" * 2001),
    ],
)
def test_an_organisation_refused_is_told_beside_its_field(
    client: Visitor, make: Make, field: str, value: str
) -> None:
    client.sign_in(make.user().email, PASSWORD)

    response = client.submit("/account/organisations/new", {**ORGANISATION, field: value})

    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert parse(response).xpath(f"//p[@id='{field}-error']")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Organisation)) == 0


def test_a_siren_is_kept_as_nine_digits(client: Visitor, owner: User) -> None:
    entries = {**ORGANISATION, "registration_number": "732 829 320"}
    client.submit(f"{page_of(only_organisation())}/edit", entries)

    assert only_organisation().registration_number == "732829320"


def test_an_organisation_does_not_exist_for_others(
    app: Flask, client: Visitor, owner: User, make: Make
) -> None:
    stranger = other_visitor(app)
    stranger.sign_in(make.user().email, PASSWORD)
    path = page_of(only_organisation())

    assert stranger.get(path).status_code == HTTPStatus.NOT_FOUND
    assert stranger.get(f"{path}/edit").status_code == HTTPStatus.NOT_FOUND
    assert stranger.get(f"{path}/team").status_code == HTTPStatus.NOT_FOUND
    token = stranger.page("/account").xpath("//input[@name='csrf_token']/@value")[0]
    posted = {"csrf_token": token, "email": "yann@example.org", "role": "edit", **ORGANISATION}
    assert stranger.post(f"{path}/edit", data=posted).status_code == HTTPStatus.NOT_FOUND
    assert stranger.post(f"{path}/invitations", data=posted).status_code == HTTPStatus.NOT_FOUND


def test_an_admin_gives_and_takes_a_role_and_the_trail_says_why(
    client: Visitor, make: Make
) -> None:
    admin = make.user(roles=(RoleName.ADMIN,))
    person = make.user("Fatima")
    client.sign_in(admin.email, PASSWORD)
    path = f"/admin/users/{person.public_id}"

    client.submit(path, {"act": "grant", "role": "treasurer", "reason": "Elected"}, form="/roles")
    assert roles_of(person) == {"treasurer"}
    client.submit(
        path, {"act": "revoke", "role": "treasurer", "reason": "Mandate over"}, form="/roles"
    )
    assert roles_of(person) == set()

    trail = db.session.scalars(sa.select(AuditEvent).filter_by(subject=person.public_id)).all()
    assert [(e.actor, e.action, e.reason) for e in trail] == [
        (admin.public_id, "user.role_granted", "Elected"),
        (admin.public_id, "user.role_revoked", "Mandate over"),
    ]
    assert "Fatima" in client.page("/admin/users").text_content()


def test_the_last_admin_stays_one(client: Visitor, make: Make) -> None:
    admin = make.user(roles=(RoleName.ADMIN,))
    client.sign_in(admin.email, PASSWORD)

    response = client.submit(
        f"/admin/users/{admin.public_id}",
        {"act": "revoke", "role": "admin", "reason": "Tired"},
        form="/roles",
    )

    assert response.status_code == HTTPStatus.CONFLICT
    assert roles_of(admin) == {"admin"}


@pytest.mark.parametrize("role", [None, RoleName.OWNER, RoleName.MODERATOR, RoleName.TREASURER])
def test_only_an_admin_sees_people(client: Visitor, make: Make, role: RoleName | None) -> None:
    client.sign_in(make.user(roles=(role,) if role else ()).email, PASSWORD)

    assert client.get("/admin/users").status_code == HTTPStatus.FORBIDDEN


def test_a_person_erased_is_gone_and_the_row_stays(
    client: Visitor, owner: User, mailbox: Mailbox
) -> None:
    email = owner.email
    client.submit("/reset", {"email": email}, form="/reset")

    client.submit("/account/erase", {"password": PASSWORD}, form="/erase")

    db.session.refresh(owner)
    assert (owner.name, owner.password, owner.active) == ("", None, False)
    assert email not in owner.email
    assert mailbox.to(email) == []
    assert roles_of(owner) == set()
    assert client.get("/account").status_code == HTTPStatus.FOUND
    refused = client.submit("/login", {"email": email, "password": PASSWORD}, form="/login")
    assert refused.request.path == "/login"


def test_erasing_asks_for_the_password(client: Visitor, owner: User) -> None:
    response = client.submit("/account/erase", {"password": "a guess"}, form="/erase")

    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    db.session.refresh(owner)
    assert owner.active


def test_a_package_may_refuse_an_erasure_and_nothing_changes(
    app: Flask, client: Visitor, owner: User
) -> None:
    def refuse(session: object, user: User) -> None:
        user.name = "half erased"
        raise ConflictError("Somebody is owed money.")

    register_eraser(app, refuse)

    response = client.submit("/account/erase", {"password": PASSWORD}, form="/erase")

    assert response.status_code == HTTPStatus.CONFLICT
    db.session.refresh(owner)
    assert (owner.name, owner.active) == ("Nolwenn", True)


def test_a_chosen_language_is_the_one_of_the_site_and_its_mails(
    client: Visitor, make: Make, mailbox: Mailbox
) -> None:
    user = make.user()
    client.sign_in(user.email, PASSWORD)

    client.submit("/account", {"name": "Léa", "locale": "en"}, form="/account")
    client.submit("/reset", {"email": user.email}, form="/reset")

    assert "My account" in client.page("/account").text_content()
    assert "Choose a new password" in mailbox.text_of(mailbox.to(user.email)[0])
