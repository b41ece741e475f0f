"""Organisations and who runs them: created by one person, joined by invitation."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from stdnum.exceptions import ValidationError as NumberError
from stdnum.fr import siren

from octo.accounts.models import (
    LONGEST_NAME,
    Invitation,
    LegalForm,
    Membership,
    Organisation,
    RoleName,
    User,
)
from octo.accounts.roles import get_role
from octo.checks import Checks
from octo.clock import Clock
from octo.database import lock, transaction
from octo.email_address import normalise_email
from octo.errors import N_, ConflictError, InvalidError, NotFoundError
from octo.ids import hash_token, new_public_id, new_token
from octo.mail.outbox import enqueue
from octo.paging import Window, narrowed
from octo.text import clean_paragraphs, clean_text, slug_of

INVITATION_LASTS: Final = timedelta(days=7)
LONGEST_DESCRIPTION: Final = 2000
_LONGEST_SLUG: Final = 80


class InvitationOverError(ConflictError):
    """The link was used, or is too old."""

    code = "invitation_over"


@dataclass(frozen=True)
class OrganisationWish:
    """What is entered of an organisation, as it was typed."""

    name: str
    legal_form: str = LegalForm.ASSOCIATION.value
    registration_number: str = ""
    place: str = ""
    description: str = ""


def create_organisation(user_id: str, wish: OrganisationWish, *, clock: Clock) -> Organisation:
    """Create an organisation with its first member, who becomes an owner."""
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
        session.add(Membership(user=user, organisation=organisation, created_at=at))
        if not user.has_any_role(RoleName.OWNER):
            user.roles.append(get_role(session, RoleName.OWNER))
        return organisation


def change_organisation(user_id: str, organisation_id: str, wish: OrganisationWish) -> Organisation:
    """Change what an organisation says of itself; its address stays as it was shared."""
    values = _checked(wish)
    with transaction() as session:
        organisation = lock(session, Organisation, public_id=organisation_id)
        _demand_member(session, user_id, organisation)
        for name, value in values.items():
            setattr(organisation, name, value)
        return organisation


def invite_member(user_id: str, organisation_id: str, *, email: str, clock: Clock) -> None:
    """Mail a link that makes its reader a member.

    The same mail goes to an address with an account and to one without, so that nobody learns
    which is which.
    """
    address = normalise_email(email)
    token = new_token()
    with transaction() as session:
        organisation = lock(session, Organisation, public_id=organisation_id)
        inviter = _demand_member(session, user_id, organisation)
        at = clock.now()
        session.add(
            Invitation(
                organisation=organisation,
                invited_by=inviter,
                email=address,
                token_hash=hash_token(token),
                created_at=at,
                expires_at=at + INVITATION_LASTS,
            )
        )
        enqueue(
            session,
            to=address,
            locale=inviter.locale,
            template="invitation",
            context={
                "inviter_name": inviter.name or inviter.email,
                "organisation_name": organisation.name,
                "token": token,
            },
            at=at,
        )


def accept_invitation(user_id: str, token: str, *, clock: Clock) -> Organisation:
    """Make the reader of a mailed link a member; the link then opens nothing more."""
    with transaction() as session:
        at = clock.now()
        invitation = lock(session, Invitation, token_hash=hash_token(token))
        if not invitation.is_open(at):
            raise InvitationOverError(N_("This invitation was used already, or is too old."))
        user = lock(session, User, public_id=user_id)
        organisation = invitation.organisation
        if not is_member(session, user.public_id, organisation.public_id):
            session.add(Membership(user=user, organisation=organisation, created_at=at))
        if not user.has_any_role(RoleName.OWNER):
            user.roles.append(get_role(session, RoleName.OWNER))
        invitation.accepted_at = at
        return organisation


def get_invitation(session: Session, token: str) -> Invitation:
    """Return the invitation a mailed link opens, used or not."""
    statement = sa.select(Invitation).filter_by(token_hash=hash_token(token))
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFoundError(N_("Nothing was found at this address."))
    return found


def get_own_organisation(session: Session, user_id: str, organisation_id: str) -> Organisation:
    """Return an organisation to one of its members; to anybody else there is none."""
    statement = sa.select(Organisation).filter_by(public_id=organisation_id)
    found = session.scalars(statement).one_or_none()
    if found is None or not is_member(session, user_id, organisation_id):
        raise NotFoundError(N_("Nothing was found at this address."))
    return found


def organisations_of(
    session: Session, user_id: str, *, window: Window | None = None
) -> list[Organisation]:
    """Return the organisations a person is a member of, by name."""
    statement = (
        sa.select(Organisation)
        .join(Membership)
        .join(User)
        .where(User.public_id == user_id)
        .order_by(Organisation.name, Organisation.id)
    )
    return list(session.scalars(narrowed(statement, window)))


def members_of(
    session: Session, organisation_id: str, *, window: Window | None = None
) -> list[User]:
    """Return the members of an organisation, in the order in which they joined."""
    statement = (
        sa.select(User)
        .join(Membership)
        .join(Organisation)
        .where(Organisation.public_id == organisation_id)
        .order_by(Membership.id)
    )
    return list(session.scalars(narrowed(statement, window)))


def is_member(session: Session, user_id: str, organisation_id: str) -> bool:
    """Tell whether a person runs the campaigns of an organisation."""
    statement = (
        sa.select(Membership.id)
        .join(User)
        .join(Organisation)
        .where(User.public_id == user_id, Organisation.public_id == organisation_id)
    )
    return session.scalar(statement) is not None


def _demand_member(session: Session, user_id: str, organisation: Organisation) -> User:
    if not is_member(session, user_id, organisation.public_id):
        raise NotFoundError(N_("Nothing was found at this address."))
    return session.scalars(sa.select(User).filter_by(public_id=user_id)).one()


def _checked(wish: OrganisationWish) -> dict[str, object]:
    with Checks() as check:
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
