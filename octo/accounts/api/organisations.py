"""Organisations in the API: who runs campaigns together."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from octo.accounts import organisations
from octo.accounts.current_user import this_user
from octo.accounts.models import Organisation, User
from octo.accounts.organisations import InvitationOverError, OrganisationWish
from octo.accounts.schemas import (
    EmailSchema,
    InvitationSchema,
    MemberSchema,
    OrganisationCreateSchema,
    OrganisationEditSchema,
    OrganisationSchema,
)
from octo.database import reading
from octo.errors import N_
from octo.paging import Page, Window
from octo.runtime import runtime
from octo.web.limits import CHANGE_LIMIT, limited
from octo.web.permissions import public, signed_in
from octo.web.routes import ApiBlueprint

api = ApiBlueprint(
    N_("Organisations"),
    __name__,
    description=N_("Who runs campaigns and is paid by them; members run them together."),
)


@api.get("/me/organisations")
@signed_in
@api.paged(OrganisationSchema)
def list_own_organisations(window: Window) -> Page[Organisation]:
    """List the organisations you belong to."""
    with reading() as session:
        mine = organisations.organisations_of(session, this_user().public_id, window=window)
    return window.cut(mine)


@api.post("/organisations")
@signed_in
@limited(CHANGE_LIMIT)
@api.arguments(
    OrganisationCreateSchema,
    example={"name": "Les Jardins de Kerzouar", "legal_form": "association", "place": "Brest"},
)
@api.response(HTTPStatus.CREATED, OrganisationSchema)
def create_organisation(body: dict[str, Any]) -> Organisation:
    """Create an organisation; you are its first member."""
    wish = OrganisationWish(**_as_typed(body))
    return organisations.create_organisation(this_user().public_id, wish, clock=runtime().clock)


@api.get("/organisations/<organisation_id>")
@signed_in
@api.response(HTTPStatus.OK, OrganisationSchema)
def get_organisation(organisation_id: str) -> Organisation:
    """Read an organisation you belong to."""
    return _get_own(organisation_id)


@api.patch("/organisations/<organisation_id>")
@signed_in
@api.arguments(OrganisationEditSchema)
@api.response(HTTPStatus.OK, OrganisationSchema)
def edit_organisation(body: dict[str, Any], organisation_id: str) -> Organisation:
    """Change what an organisation of yours says of itself; what is not sent stays."""
    known = _get_own(organisation_id)
    wish = OrganisationWish(
        name=known.name,
        legal_form=known.legal_form.value,
        registration_number=known.registration_number or "",
        place=known.place,
        description=known.description,
    )
    return organisations.change_organisation(
        this_user().public_id, organisation_id, replace(wish, **_as_typed(body))
    )


@api.get("/organisations/<organisation_id>/members")
@signed_in
@api.paged(MemberSchema)
def list_members(window: Window, organisation_id: str) -> Page[User]:
    """List the members of an organisation you belong to."""
    _get_own(organisation_id)
    with reading() as session:
        members = organisations.members_of(session, organisation_id, window=window)
    return window.cut(members)


@api.post("/organisations/<organisation_id>/invitations")
@signed_in
@limited(CHANGE_LIMIT)
@api.arguments(EmailSchema)
@api.response(HTTPStatus.ACCEPTED)
def invite_member(body: dict[str, str], organisation_id: str) -> None:
    """Invite somebody by mail to join an organisation you belong to.

    The same mail goes to an address with an account and to one without.
    """
    organisations.invite_member(
        this_user().public_id, organisation_id, email=body["email"], clock=runtime().clock
    )


@api.get("/invitations/<token>")
@public
@api.response(HTTPStatus.OK, InvitationSchema)
def get_invitation(token: str) -> Mapping[str, object]:
    """Read the invitation that a mailed token opens."""
    with reading() as session:
        found = organisations.get_invitation(session, token)
        return {
            "organisation": found.organisation,
            "invited_by": found.invited_by,
            "expires_at": found.expires_at,
            "is_open": found.is_open(runtime().clock.now()),
        }


@api.post("/invitations/<token>/acceptance")
@signed_in
@api.refuses(InvitationOverError)
@api.response(HTTPStatus.OK, OrganisationSchema)
def accept_invitation(token: str) -> Organisation:
    """Join the organisation of an invitation; its token then opens nothing more."""
    return organisations.accept_invitation(this_user().public_id, token, clock=runtime().clock)


def _get_own(organisation_id: str) -> Organisation:
    with reading() as session:
        return organisations.get_own_organisation(session, this_user().public_id, organisation_id)


def _as_typed(body: Mapping[str, Any]) -> dict[str, str]:
    """Give the service what a form would have sent."""
    return {name: str(value) for name, value in body.items()}
