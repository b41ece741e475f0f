"""The team of an organisation in the API: members, their roles, and invitations."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from octo.accounts import invitations, members, organisations, team
from octo.accounts.current_user import this_user
from octo.accounts.invitations import InvitationOverError, InvitedSomebodyElseError
from octo.accounts.models import Invitation, Membership, Organisation
from octo.accounts.permissions import MANAGE_TEAM, SEE_ORGANISATION
from octo.accounts.schemas import (
    ActSchema,
    EmailSchema,
    InvitationCreateSchema,
    InvitationSchema,
    MemberEditSchema,
    MemberSchema,
    OpenInvitationSchema,
    OrganisationSchema,
)
from octo.accounts.team import LastOwnerError
from octo.accounts.trail import AuditEntry, trail_of
from octo.database import reading
from octo.errors import N_
from octo.paging import Page, Window
from octo.permissions import Permission, demand
from octo.runtime import runtime
from octo.web.limits import each_change
from octo.web.permissions import public, requires, signed_in
from octo.web.routes import ApiBlueprint

api = ApiBlueprint(
    N_("Teams"),
    __name__,
    description=N_("Who runs the campaigns of an organisation with you, each with a role."),
)


@api.get("/organisations/<organisation_id>/members")
@requires(SEE_ORGANISATION)
@api.paged(MemberSchema)
def list_members(window: Window, organisation_id: str) -> Page[Membership]:
    """List the members of an organisation you belong to, and their roles."""
    organisation = _get(organisation_id, SEE_ORGANISATION)
    with reading() as session:
        return window.cut(members.list_members(session, organisation, window=window))


@api.patch("/organisations/<organisation_id>/members/<user_id>")
@requires(MANAGE_TEAM)
@api.refuses(LastOwnerError)
@api.arguments(MemberEditSchema, example={"role": "deliver"})
@api.response(HTTPStatus.OK, MemberSchema)
def change_member_role(body: dict[str, Any], organisation_id: str, user_id: str) -> Membership:
    """Give a member of an organisation you own another role, on the record."""
    return team.change_member_role(
        this_user().public_id, organisation_id, user_id, role=body["role"], clock=runtime().clock
    )


@api.delete("/organisations/<organisation_id>/members/<user_id>")
@requires(MANAGE_TEAM)
@api.refuses(LastOwnerError)
@api.response(HTTPStatus.NO_CONTENT)
def remove_member(organisation_id: str, user_id: str) -> None:
    """Remove a member from an organisation you own, on the record; a mail tells them."""
    team.remove_member(this_user().public_id, organisation_id, user_id, clock=runtime().clock)


@api.post("/organisations/<organisation_id>/departure")
@requires(SEE_ORGANISATION)
@api.refuses(LastOwnerError)
@api.response(HTTPStatus.NO_CONTENT)
def leave_organisation(organisation_id: str) -> None:
    """Leave an organisation you belong to; its last owner stays."""
    team.leave_organisation(this_user().public_id, organisation_id, clock=runtime().clock)


@api.get("/organisations/<organisation_id>/trail")
@requires(MANAGE_TEAM)
@api.paged(ActSchema)
def read_team_trail(window: Window, organisation_id: str) -> Page[AuditEntry]:
    """Read what was done to the team of an organisation you own, the oldest act first."""
    organisation = _get(organisation_id, MANAGE_TEAM)
    with reading() as session:
        return window.cut(trail_of(session, organisation.public_id, window=window))


@api.get("/organisations/<organisation_id>/invitations")
@requires(MANAGE_TEAM)
@api.paged(OpenInvitationSchema)
def list_invitations(window: Window, organisation_id: str) -> Page[Invitation]:
    """List the invitations to an organisation you own that nobody has accepted yet."""
    organisation = _get(organisation_id, MANAGE_TEAM)
    at = runtime().clock.now()
    with reading() as session:
        return window.cut(
            invitations.list_open_invitations(session, organisation, at=at, window=window)
        )


@api.post("/organisations/<organisation_id>/invitations")
@requires(MANAGE_TEAM)
@each_change
@api.arguments(InvitationCreateSchema, example={"email": "yann@example.org", "role": "edit"})
@api.response(HTTPStatus.ACCEPTED)
def invite_member(body: dict[str, Any], organisation_id: str) -> None:
    """Invite somebody by mail to join an organisation you own.

    Only the account of this address can join. The same mail goes to an address with an account
    and to one without.
    """
    invitations.invite_member(this_user().public_id, organisation_id, **body, clock=runtime().clock)


@api.post("/organisations/<organisation_id>/invitations/withdrawal")
@requires(MANAGE_TEAM)
@api.arguments(EmailSchema)
@api.response(HTTPStatus.NO_CONTENT)
def withdraw_invitation(body: dict[str, str], organisation_id: str) -> None:
    """Take back the invitations that went to an address and were not accepted."""
    invitations.withdraw_invitations(
        this_user().public_id, organisation_id, email=body["email"], clock=runtime().clock
    )


@api.get("/invitations/<token>")
@public
@api.response(HTTPStatus.OK, InvitationSchema)
def get_invitation(token: str) -> Mapping[str, object]:
    """Read the invitation that a mailed token opens."""
    with reading() as session:
        found = invitations.get_invitation(session, token)
        return {
            "organisation": found.organisation,
            "invited_by": found.invited_by,
            "role": found.role,
            "expires_at": found.expires_at,
            "is_open": invitations.is_open(found, runtime().clock.now()),
        }


@api.post("/invitations/<token>/acceptance")
@signed_in
@api.refuses(InvitationOverError, InvitedSomebodyElseError)
@api.response(HTTPStatus.OK, OrganisationSchema)
def accept_invitation(token: str) -> Organisation:
    """Join the organisation of an invitation that went to your address.

    Its token then opens nothing more.
    """
    return invitations.accept_invitation(this_user().public_id, token, clock=runtime().clock)


def _get(organisation_id: str, permission: Permission) -> Organisation:
    with reading() as session:
        found = organisations.get_own_organisation(session, this_user(), organisation_id)
        demand(permission, this_user(), found)
        return found
