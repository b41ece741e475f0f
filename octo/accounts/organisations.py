"""Organisations: created by one person, who is their first owner, and changed by owners."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from stdnum.exceptions import ValidationError as NumberError
from stdnum.fr import siren

from octo.accounts.members import add_member
from octo.accounts.models import LONGEST_NAME, LegalForm, MemberRole, Organisation, User
from octo.accounts.people import get_user
from octo.accounts.permissions import CHANGE_ORGANISATION, SEE_ORGANISATION, organisations_where
from octo.clock import Clock
from octo.database import lock, transaction
from octo.errors import N_, InvalidError, NotFoundError
from octo.ids import new_public_id
from octo.input_checks import InputChecks
from octo.paging import Window, narrowed
from octo.permissions import Permission, demand
from octo.text import clean_paragraphs, clean_text, slug_of

LONGEST_DESCRIPTION: Final = 2000
_LONGEST_SLUG: Final = 80


@dataclass(frozen=True)
class OrganisationWish:
    """What is entered of an organisation, as it was typed."""

    name: str
    legal_form: str = LegalForm.ASSOCIATION.value
    registration_number: str = ""
    place: str = ""
    description: str = ""


def create_organisation(user_id: str, wish: OrganisationWish, *, clock: Clock) -> Organisation:
    """Create an organisation with its first member, who is its owner."""
    values = _checked(wish)
    with transaction() as session:
        user = lock(session, User, public_id=user_id)
        at = clock.now()
        organisation = Organisation(
            public_id=new_public_id("org"),
            slug=_free_slug(session, str(values["name"])),
            created_at=at,
            **values,
        )
        session.add(organisation)
        add_member(session, organisation, user, role=MemberRole.OWNER, at=at)
        return organisation


def change_organisation(user_id: str, organisation_id: str, wish: OrganisationWish) -> Organisation:
    """Change what an organisation says of itself; its address stays as it was shared."""
    values = _checked(wish)
    with transaction() as session:
        organisation = lock(session, Organisation, public_id=organisation_id)
        demand(CHANGE_ORGANISATION, get_user(session, user_id), organisation)
        for name, value in values.items():
            setattr(organisation, name, value)
        return organisation


def get_own_organisation(session: Session, user: User, organisation_id: str) -> Organisation:
    """Return an organisation to one of its members; to anybody else there is none."""
    statement = sa.select(Organisation).filter_by(public_id=organisation_id)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFoundError(N_("Nothing was found at this address."))
    demand(SEE_ORGANISATION, user, found)
    return found


def list_own_organisations(
    session: Session,
    user: User,
    *,
    permission: Permission = SEE_ORGANISATION,
    window: Window | None = None,
) -> Sequence[Organisation]:
    """Return the organisations for which a person has a permission, by name."""
    statement = (
        sa.select(Organisation)
        .where(Organisation.id.in_(organisations_where(permission, user)))
        .order_by(Organisation.name, Organisation.id)
    )
    return session.scalars(narrowed(statement, window)).all()


def _checked(wish: OrganisationWish) -> dict[str, object]:
    with InputChecks() as check:
        values: dict[str, object] = {
            "name": check(clean_text, wish.name, field="name", most=LONGEST_NAME, is_required=True),
            "legal_form": check(_checked_form, wish.legal_form),
            "registration_number": check(checked_number, wish.registration_number),
            "place": check(clean_text, wish.place, field="place", most=LONGEST_NAME),
            "description": check(
                clean_paragraphs, wish.description, field="description", most=LONGEST_DESCRIPTION
            ),
        }
    return values


def _checked_form(written: str) -> LegalForm:
    if written not in set(LegalForm):
        raise InvalidError(N_("Choose one of the legal forms."), field="legal_form")
    return LegalForm(written)


def checked_number(written: str) -> str | None:
    """Return the nine digits of a SIREN, nothing for nothing, or refuse."""
    if not written.strip():
        return None
    try:
        return str(siren.validate(written))
    except NumberError as error:
        raise InvalidError(
            N_("This is not a SIREN: nine digits, such as 732 829 320."),
            field="registration_number",
        ) from error


def _free_slug(session: Session, name: str) -> str:
    """Make an address out of a name; a name already taken gets a number."""
    stem = slug_of(name, most=_LONGEST_SLUG) or "organisation"
    taken = set(
        session.scalars(sa.select(Organisation.slug).where(Organisation.slug.startswith(stem)))
    )
    number = 1
    slug = stem
    while slug in taken:
        number += 1
        slug = f"{stem}-{number}"
    return slug
