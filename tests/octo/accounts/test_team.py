"""The team of an organisation: invited by address, with a role; changed, removed, left."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from http import HTTPStatus

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from octo.accounts.invitations import INVITATION_LASTS
from octo.accounts.models import MemberRole, Membership, Organisation, User
from octo.accounts.team import LastOwnerError, leave_organisation
from octo.audit import AuditEvent
from octo.clock import DatabaseClock
from octo.database import db, lock_all, transaction
from tests.make import PASSWORD, Make
from tests.moment import Moment
from tests.octo.mail.mailbox import Mailbox
from tests.program import Program
from tests.visitor import Visitor, parse

INVITED = "yann@example.org"


@dataclass
class Team:
    """An organisation, its owner at the pages, and the mails that go out."""

    app: Flask
    owner: User
    visitor: Visitor
    organisation: Organisation
    mailbox: Mailbox

    @property
    def page(self) -> str:
        return f"/account/organisations/{self.organisation.public_id}/team"

    def invite(self, *, email: str = INVITED, role: str = "edit") -> TestResponse:
        return self.visitor.submit(self.page, {"email": email, "role": role}, form="invite")

    def mailed_link(self) -> str:
        return self.mailbox.link_to(INVITED, "/account/invitations/")

    def accept(self, link: str, user: User) -> int:
        """Sign somebody in, send the form of a mailed link, and return the status."""
        visitor = self.arrive(user)
        token = visitor.page("/account").xpath("//input[@name='csrf_token']/@value")[0]
        return visitor.post(link, data={"csrf_token": token}).status_code

    def arrive(self, user: User) -> Visitor:
        visitor = self.app.test_client()
        assert isinstance(visitor, Visitor)
        visitor.sign_in(user.email, PASSWORD)
        return visitor

    def role_of(self, user: User) -> MemberRole | None:
        held = sa.select(Membership.role).filter_by(
            user_id=user.id, organisation_id=self.organisation.id
        )
        return db.session.scalar(held)

    def acts(self) -> list[tuple[str, str]]:
        """Return what the trail says was done, and with which role."""
        trail = sa.select(AuditEvent).filter_by(subject=self.organisation.public_id)
        events = db.session.scalars(trail.order_by(AuditEvent.id))
        return [(event.action, event.details["role"]) for event in events]


@pytest.fixture
def team(app: Flask, client: Visitor, make: Make) -> Team:
    organisation = make.organisation(is_ready=False)
    [owner] = db.session.scalars(
        sa.select(User).join(Membership).filter_by(organisation_id=organisation.id)
    )
    client.sign_in(owner.email, PASSWORD)
    return Team(app, owner, client, organisation, Mailbox(app))


def test_who_is_invited_joins_with_the_role_offered_and_once(team: Team, make: Make) -> None:
    team.invite(role="deliver")
    yann = make.user("Yann", email=INVITED)

    answers = [team.accept(team.mailed_link(), yann) for _ in range(2)]

    assert answers == [HTTPStatus.FOUND, HTTPStatus.CONFLICT]
    assert team.role_of(yann) is MemberRole.DELIVER
    assert team.acts() == [("team.invited", "deliver"), ("team.joined", "deliver")]
    assert "Yann" in team.visitor.page(team.page).text_content()


def test_an_invitation_opens_to_the_account_of_its_address_alone(team: Team, make: Make) -> None:
    team.invite(role="owner")
    finder, yann = make.user("Somebody else"), make.user("Yann", email=INVITED)

    assert team.accept(team.mailed_link(), finder) == HTTPStatus.FORBIDDEN

    assert team.role_of(finder) is None
    assert team.accept(team.mailed_link(), yann) == HTTPStatus.FOUND


def test_an_invitation_ends_after_a_week(team: Team, make: Make, moment: Moment) -> None:
    team.invite()
    moment.advance(days=INVITATION_LASTS.days)

    yann = make.user("Yann", email=INVITED)

    assert team.accept(team.mailed_link(), yann) == HTTPStatus.CONFLICT


def test_an_invitation_taken_back_opens_nothing(team: Team, make: Make) -> None:
    team.invite()

    team.visitor.submit(team.page, form="/invitations/withdrawal")

    yann = make.user("Yann", email=INVITED)
    assert team.accept(team.mailed_link(), yann) == HTTPStatus.NOT_FOUND
    assert team.acts()[-1] == ("team.invitation_withdrawn", "edit")


def test_what_a_removed_owner_sent_opens_nothing(team: Team, make: Make) -> None:
    team.invite(role="owner")
    other = Program(team.app).sign_in(make.member(team.organisation, MemberRole.OWNER).email)

    at = f"/organisations/{team.organisation.public_id}/members/{team.owner.public_id}"
    assert other.ask("DELETE", at).status_code == HTTPStatus.NO_CONTENT

    yann = make.user("Yann", email=INVITED)
    assert team.accept(team.mailed_link(), yann) == HTTPStatus.CONFLICT


def test_inviting_says_the_same_of_every_address(team: Team, make: Make) -> None:
    told = "string(//div[@role='status'])"

    answers = [
        parse(team.invite(email=email)).xpath(told)
        for email in (make.user().email, "nobody@example.org")
    ]

    assert answers[0].strip()
    assert answers[0] == answers[1]


def test_a_refused_invitation_keeps_what_was_typed(team: Team) -> None:
    answer = team.invite(email="yann(at)example.org", role="money")

    page = parse(answer)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert page.xpath("//input[@id='email']/@value") == ["yann(at)example.org"]
    assert page.xpath("//input[@name='role'][@checked]/@value") == ["money"]
    assert page.xpath("//p[@id='email-error']")


def test_a_role_is_changed_on_the_record_and_its_holder_is_told(team: Team, make: Make) -> None:
    yann = make.member(team.organisation, MemberRole.EDIT)

    team.visitor.submit(f"{team.page}/{yann.public_id}", {"role": "money"}, form="role-form")

    assert team.role_of(yann) is MemberRole.MONEY
    assert team.acts() == [("team.role_changed", "money")]
    [told] = team.mailbox.to(yann.email)
    assert "Argent" in team.mailbox.text_of(told)


def test_a_member_removed_is_told_and_sees_nothing_more(team: Team, make: Make) -> None:
    yann = make.member(team.organisation, MemberRole.EDIT)
    program = Program(team.app).sign_in(yann.email)

    team.visitor.submit(f"{team.page}/{yann.public_id}", form="/remove")

    assert team.role_of(yann) is None
    assert program.code("GET", f"/organisations/{team.organisation.public_id}") == "404 not_found"
    assert [told.template for told in team.mailbox.to(yann.email)] == ["team_removed"]
    assert team.acts() == [("team.removed", "edit")]


def test_a_member_leaves_without_being_let_go(team: Team, make: Make) -> None:
    yann = make.member(team.organisation, MemberRole.ANSWER)

    team.arrive(yann).submit(team.page, form="/departure")

    assert team.role_of(yann) is None
    assert team.acts() == [("team.left", "answer")]


@pytest.mark.parametrize("way", ["lower", "remove", "leave", "erase"])
def test_the_last_owner_stays_until_there_is_another(team: Team, make: Make, way: str) -> None:
    make.member(team.organisation, MemberRole.MONEY)
    mine = f"{team.page}/{team.owner.public_id}"

    def go() -> TestResponse:
        match way:
            case "lower":
                return team.visitor.submit(mine, {"role": "edit"}, form="role-form")
            case "remove":
                return team.visitor.submit(mine, form="/remove")
            case "leave":
                return team.visitor.submit(team.page, form="/departure")
        return team.visitor.submit("/account/erase", {"password": PASSWORD}, form="/erase")

    refused = go()
    assert refused.status_code == HTTPStatus.CONFLICT
    assert "n’a pas d’autre responsable" in refused.text
    assert team.role_of(team.owner) is MemberRole.OWNER

    make.member(team.organisation, MemberRole.OWNER, name="Gwenn")
    assert go().status_code < HTTPStatus.BAD_REQUEST
    assert team.role_of(team.owner) is not MemberRole.OWNER


@pytest.mark.both_engines
def test_of_two_owners_who_leave_at_once_one_stays(team: Team, make: Make) -> None:
    owners = [team.owner, make.member(team.organisation, MemberRole.OWNER)]

    def leave(user_id: str) -> bool:
        with team.app.app_context():
            try:
                leave_organisation(user_id, team.organisation.public_id, clock=DatabaseClock())
            except LastOwnerError:
                return False
            return True

    with ThreadPoolExecutor() as pool:
        with transaction() as session:  # nobody's membership ends before both have asked
            lock_all(session, Membership, Membership.organisation_id == team.organisation.id)
            asked = [pool.submit(leave, owner.public_id) for owner in owners]
            wait(asked, timeout=1)
        left = [one.result() for one in asked]

    assert sorted(left) == [False, True]


def test_who_is_a_member_already_keeps_their_role(team: Team, make: Make) -> None:
    yann = make.user("Yann", email=INVITED)
    make.member(team.organisation, MemberRole.MONEY, user=yann)
    team.invite(role="edit")

    assert team.accept(team.mailed_link(), yann) == HTTPStatus.FOUND

    assert team.role_of(yann) is MemberRole.MONEY
