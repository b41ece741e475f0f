"""Who may do what with people and organisations, and the predicates that others build on."""

from typing import Final, Protocol, cast

import sqlalchemy as sa

from octo.accounts.members import organisations_of, role_in
from octo.accounts.models import MemberRole, Organisation, RoleName, User
from octo.database import reading
from octo.errors import N_, ForbiddenError, NotFoundError, OctoError
from octo.permissions import Permission, Person, Predicate


class OfAnOrganisation(Protocol):
    """What an organisation runs, such as a campaign."""

    organisation_id: int


class HoldsRole(Predicate):
    """Holds for people with one of some roles of the site, and always for admins."""

    def __init__(self, *names: RoleName) -> None:
        self._names = {*names, RoleName.ADMIN}
        self.roles = [name for name in RoleName if name in self._names]

    def opens_to(self, person: Person) -> bool:
        """Tell whether the person has one of the roles."""
        return isinstance(person, User) and person.has_any_role(*self._names)

    def holds(self, person: Person, subject: object) -> bool:
        """Tell the same: these roles ask for no object."""
        del subject
        return self.opens_to(person)

    def refusal(self, person: Person, subject: object) -> OctoError:
        """Return one sentence for everybody."""
        del person, subject
        return ForbiddenError(N_("Your roles do not include this permission."))


class MemberWith(Predicate):
    """Holds for members with one of some roles in the object's organisation; always for owners.

    To those who are no members, the object does not exist.
    """

    def __init__(self, *roles: MemberRole) -> None:
        self.member_roles = frozenset({*roles, MemberRole.OWNER})

    def opens_to(self, person: Person) -> bool:
        """Let in whoever signed in: the object decides."""
        return person.is_authenticated

    def holds(self, person: Person, subject: object) -> bool:
        """Tell whether the person's role in the object's organisation is one of these."""
        return _role_of(person, subject) in self.member_roles

    def refusal(self, person: Person, subject: object) -> OctoError:
        """Return that nothing is there, or to members that their role does not suffice."""
        if _role_of(person, subject) is None:
            return NotFoundError(N_("Nothing was found at this address."))
        return ForbiddenError(N_("Your role in this organisation does not include this."))


class Outsider(Predicate):
    """Holds for those who do not belong to the object's organisation."""

    def opens_to(self, person: Person) -> bool:
        """Let in whoever signed in: the object decides."""
        return person.is_authenticated

    def holds(self, person: Person, subject: object) -> bool:
        """Tell whether the person is no member."""
        return _role_of(person, subject) is None

    def refusal(self, person: Person, subject: object) -> OctoError:
        """Return why a member may not."""
        del person, subject
        return ForbiddenError(N_("You belong to this organisation: somebody else decides."))


def organisations_where(permission: Permission, person: User) -> sa.Select[int]:
    """Select the ids of the organisations for whose objects a person has a permission."""
    predicate = permission.predicate
    assert isinstance(predicate, MemberWith), f"{permission.name} asks for no membership"
    return organisations_of(person.id, predicate.member_roles)


def _role_of(person: Person, subject: object) -> MemberRole | None:
    if not isinstance(person, User):
        return None
    with reading() as session:
        return role_in(session, user_id=person.id, organisation_id=_organisation_id_of(subject))


def _organisation_id_of(subject: object) -> int:
    if isinstance(subject, Organisation):
        return subject.id
    return cast("OfAnOrganisation", subject).organisation_id


MANAGE_USERS: Final = Permission("manage_users", HoldsRole())
SEE_ORGANISATION: Final = Permission("see_organisation", MemberWith(*MemberRole))
CHANGE_ORGANISATION: Final = Permission("change_organisation", MemberWith())
MANAGE_TEAM: Final = Permission("manage_team", MemberWith())
PERMISSIONS: Final = (MANAGE_USERS, SEE_ORGANISATION, CHANGE_ORGANISATION, MANAGE_TEAM)
