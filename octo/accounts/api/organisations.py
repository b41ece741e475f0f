"""Organisations in the API: who runs campaigns together."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from octo.accounts import organisations
from octo.accounts.current_user import this_user
from octo.accounts.models import Organisation
from octo.accounts.organisations import OrganisationWish
from octo.accounts.permissions import CHANGE_ORGANISATION, SEE_ORGANISATION
from octo.accounts.schemas import (
    OrganisationCreateSchema,
    OrganisationEditSchema,
    OrganisationSchema,
)
from octo.database import reading
from octo.errors import N_
from octo.paging import Page, Window
from octo.runtime import runtime
from octo.web.limits import each_change
from octo.web.permissions import requires, signed_in
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
        mine = organisations.list_own_organisations(session, this_user(), window=window)
    return window.cut(mine)


@api.post("/organisations")
@signed_in
@each_change
@api.arguments(
    OrganisationCreateSchema,
    example={"name": "Les Jardins de Kerzouar", "legal_form": "association", "place": "Brest"},
)
@api.response(HTTPStatus.CREATED, OrganisationSchema)
def create_organisation(body: dict[str, Any]) -> Organisation:
    """Create an organisation; you are its first member, and its owner."""
    wish = OrganisationWish(**_as_typed(body))
    return organisations.create_organisation(this_user().public_id, wish, clock=runtime().clock)


@api.get("/organisations/<organisation_id>")
@requires(SEE_ORGANISATION)
@api.response(HTTPStatus.OK, OrganisationSchema)
def get_organisation(organisation_id: str) -> Organisation:
    """Read an organisation you belong to."""
    return _get_own(organisation_id)


@api.patch("/organisations/<organisation_id>")
@requires(CHANGE_ORGANISATION)
@api.arguments(OrganisationEditSchema)
@api.response(HTTPStatus.OK, OrganisationSchema)
def edit_organisation(body: dict[str, Any], organisation_id: str) -> Organisation:
    """Change what an organisation you own says of itself; what is not sent stays."""
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


def _get_own(organisation_id: str) -> Organisation:
    with reading() as session:
        return organisations.get_own_organisation(session, this_user(), organisation_id)


def _as_typed(body: Mapping[str, Any]) -> dict[str, str]:
    """Give the service what a form would have sent."""
    return {name: str(value) for name, value in body.items()}
