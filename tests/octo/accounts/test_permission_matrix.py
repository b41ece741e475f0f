"""Who may do what: every permission, asked by everybody, at the doors of pages and of the API."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from campaigns.models import Campaign, CampaignStatus
from octo.accounts.access_tokens import give_token
from octo.accounts.models import MemberRole, Membership, RoleName, User
from octo.clock import DatabaseClock
from octo.database import db
from octo.permissions import Permission, may
from octo.web.permissions import access_of, declared_permissions
from stripe_sandbox.client import SandboxClient
from tests.make import PASSWORD, Make
from tests.program import Program
from tests.visitor import Visitor

ROLES: Final = tuple(f"member:{role}" for role in MemberRole)
OWNERS: Final = frozenset({"member:owner", "moderator of it"})
MODERATORS: Final = frozenset({"moderator", "moderator of it", "admin"})
TREASURERS: Final = frozenset({"treasurer", "admin"})
MEMBERS: Final = frozenset(ROLES) | OWNERS

# Who has each permission for a campaign, its organisation or the site; nobody else does.
HOLDERS: Final[dict[str, frozenset[str]]] = {
    "manage_users": frozenset({"admin"}),
    "see_organisation": MEMBERS,
    "change_organisation": OWNERS,
    "manage_team": OWNERS,
    "see_own_campaign": MEMBERS,
    "edit_campaign": OWNERS | {"member:edit"},
    "read_pledges": OWNERS | {"member:deliver", "member:money"},
    "register_owner": OWNERS | {"member:money"},
    "run_campaign": OWNERS,
    "moderate_campaigns": MODERATORS,
    "decide_campaign": MODERATORS - OWNERS,
    "read_books": TREASURERS,
    "move_money": TREASURERS,
    "refund_payments": TREASURERS,
    "read_own_books": OWNERS | {"member:money"},
}
# One door each that shows a holder let in and changes nothing: of a running campaign, what is
# asked here is done already, or refused for its state.
OPEN: Final[dict[str, list[tuple[str, str]]]] = {
    "manage_users": [("GET", "/admin/users"), ("GET", "/api/v1/users")],
    "see_organisation": [
        ("GET", "/account/organisations/{organisation_id}/team"),
        ("GET", "/api/v1/organisations/{organisation_id}/members"),
    ],
    "change_organisation": [
        ("GET", "/account/organisations/{organisation_id}/edit"),
        ("PATCH", "/api/v1/organisations/{organisation_id}"),
    ],
    "manage_team": [
        ("GET", "/account/organisations/{organisation_id}/team/{member_id}"),
        ("GET", "/api/v1/organisations/{organisation_id}/invitations"),
    ],
    "see_own_campaign": [
        ("GET", "/owner/campaigns/{campaign_id}"),
        ("GET", "/api/v1/campaigns/{campaign_id}/standing"),
    ],
    "edit_campaign": [
        ("GET", "/owner/campaigns/{campaign_id}/text"),
        ("PATCH", "/api/v1/campaigns/{campaign_id}"),
    ],
    "read_pledges": [
        ("GET", "/owner/campaigns/{campaign_id}/pledges"),
        ("GET", "/api/v1/campaigns/{campaign_id}/pledges"),
    ],
    "register_owner": [("POST", "/api/v1/campaigns/{campaign_id}/onboarding/check")],
    "run_campaign": [("POST", "/api/v1/campaigns/{campaign_id}/launch")],
    "moderate_campaigns": [
        ("GET", "/moderation/{campaign_id}"),
        ("GET", "/api/v1/moderation/campaigns/{campaign_id}"),
    ],
    "decide_campaign": [("POST", "/api/v1/moderation/campaigns/{campaign_id}/decisions")],
    "read_books": [("GET", "/treasury"), ("GET", "/api/v1/treasury/position")],
    "move_money": [("GET", "/treasury/campaigns/{campaign_id}/debt")],
    "refund_payments": [("GET", "/treasury/campaigns/{campaign_id}/refund-all")],
    "read_own_books": [("GET", "/owner/campaigns/{campaign_id}/documents")],
}
# What passes the shape of a body, where an empty one does not: truth is asked after shape.
BODIES: Final[Mapping[str, dict[str, Any]]] = {
    "campaigns.cover": {"description": "Un four."},
    "campaigns.cost-lines": {"cost_lines": [{"label": "Four", "amount": 1}]},
    "campaigns.rewards": {"title": "Une miche", "minimum_amount": 5_00},
    "campaigns.extension": {"days": 1},
    "campaigns.extend": {"days": 1},
    "campaigns.cancellation": {"reason": "Parce que."},
    "campaigns.decisions": {"act": "approve", "reason": ""},
    "organisations.members": {"role": "owner"},
    "organisations.team": {"role": "owner"},
    "organisations.invitations": {"email": "a.friend@example.org", "role": "owner"},
    "organisations.withdrawal": {"email": "a.friend@example.org"},
}


@dataclass
class Everybody:
    """All kinds of people, at pages and with a program, around one running campaign."""

    campaign: Campaign
    places: dict[str, str]
    people: dict[str, User | None]
    visitors: dict[str, tuple[Visitor, str]]
    programs: dict[str, Program]

    def ask(self, who: str, method: str, path: str) -> TestResponse:
        address = path.format_map(self.places)
        if path.startswith("/api/"):
            is_file = path.endswith("/cover")
            kind = "data" if is_file else "json"
            sent = {kind: body_for(path)} if method != "GET" else {}
            return self.programs[who].ask(method, address.removeprefix("/api/v1"), **sent)
        visitor, token = self.visitors[who]
        form = {"csrf_token": token, **body_for(path)} if method == "POST" else {}
        return visitor.open(address, method=method, data=form)


def body_for(path: str) -> dict[str, Any]:
    words = [word for word in path.split("/") if word and "{" not in word]
    noun = "campaigns" if "campaigns" in words else "organisations"
    return BODIES.get(f"{noun}.{words[-1]}", {})


def is_refused(answer: TestResponse) -> bool:
    """Tell whether a door stayed shut: sign in first, no right, or nothing there."""
    to_sign_in = answer.status_code == 302 and answer.location.startswith("/login")
    return to_sign_in or answer.status_code in {401, 403, 404}


@pytest.fixture
def everybody(app: Flask, make: Make, sandbox: SandboxClient) -> Everybody:
    campaign = make.live_campaign(stock=3)
    organisation = campaign.organisation
    members = sa.select(User).join(Membership).filter_by(organisation_id=organisation.id)
    owner = db.session.scalars(members).one()
    others = (role for role in MemberRole if role is not MemberRole.OWNER)
    moderator_of_it = make.user(roles=(RoleName.MODERATOR,))
    make.member(organisation, MemberRole.OWNER, user=moderator_of_it)
    people: dict[str, User | None] = {
        "anonymous": None,
        "backer": make.user(),
        "member:owner": owner,
        **{f"member:{role}": make.member(organisation, role) for role in others},
        "owner of another": make.member(make.organisation(is_ready=False), MemberRole.OWNER),
        "moderator of it": moderator_of_it,
        **{
            role: make.user(roles=(RoleName(role),)) for role in ("moderator", "treasurer", "admin")
        },
    }
    return Everybody(
        campaign=campaign,
        places={
            "campaign_id": campaign.public_id,
            "organisation_id": organisation.public_id,
            "reward_id": campaign.rewards[0].public_id,
            "member_id": owner.public_id,
            "user_id": owner.public_id,
            "number": "R2026-0001",
        },
        people=people,
        visitors={who: visitor_of(app, person) for who, person in people.items()},
        programs={who: program_of(app, person) for who, person in people.items()},
    )


def visitor_of(app: Flask, person: User | None) -> tuple[Visitor, str]:
    """Return a browser, and the token that its forms carry."""
    visitor = app.test_client()
    assert isinstance(visitor, Visitor)
    if person is not None:
        visitor.sign_in(person.email, PASSWORD)
    page = visitor.page("/login" if person is None else "/account")
    return visitor, str(page.xpath("//input[@name='csrf_token']/@value")[0])


def program_of(app: Flask, person: User | None) -> Program:
    if person is None:
        return Program(app)
    _given, secret = give_token(person.public_id, clock=DatabaseClock())
    return Program(app, token=secret)


def doors_of(app: Flask, permission: Permission) -> Iterator[tuple[str, str]]:
    """Yield every method and address that a permission guards, of those about some object."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            access = access_of(app.view_functions[rule.endpoint], method)
            if access is not None and access.permission is permission and "<" in rule.rule:
                yield method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def test_every_permission_says_who_has_it_and_where_that_shows(app: Flask) -> None:
    assert set(HOLDERS) == set(OPEN) == set(declared_permissions(app))


def test_who_has_a_permission_is_let_in(app: Flask, everybody: Everybody) -> None:
    shut = [
        (who, method, path, answer.status_code)
        for name, doors in OPEN.items()
        for method, path in doors
        for who in sorted(HOLDERS[name])
        if is_refused(answer := everybody.ask(who, method, path))
    ]

    assert shut == []


def test_nobody_else_is_let_in_by_any_door(app: Flask, everybody: Everybody) -> None:
    """Each of the site's roles is shown at every door already; here, at those of the table."""
    ajar = []
    for name, permission in declared_permissions(app).items():
        is_about_a_member = not permission.predicate.roles
        doors = list(doors_of(app, permission)) if is_about_a_member else OPEN[name]
        assert doors, f"{name} guards nothing"
        for method, path in doors:
            for who in everybody.people.keys() - HOLDERS[name]:
                answer = everybody.ask(who, method, path)
                if not is_refused(answer):
                    ajar.append((who, method, path, answer.status_code))

    assert ajar == []
    left = db.session.get_one(Campaign, everybody.campaign.id)
    assert left.status is CampaignStatus.LIVE


def test_no_permission_depends_on_where_a_campaign_stands(app: Flask, everybody: Everybody) -> None:
    campaign, table = everybody.campaign, declared_permissions(app)
    db.session.refresh(campaign)
    db.session.expunge(campaign)

    for status in CampaignStatus:
        campaign.status = status
        held = {
            name: {
                who
                for who, person in everybody.people.items()
                if person is not None and may(permission, person, campaign)
            }
            for name, permission in table.items()
        }
        assert held == HOLDERS, status
