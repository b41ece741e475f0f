"""Who may do what with people, and the predicates that other packages build on."""

from typing import Final

from octo.accounts.models import RoleName, User
from octo.errors import N_, ForbiddenError, OctoError
from octo.permissions import Permission, Person, Predicate


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


MANAGE_USERS: Final = Permission("manage_users", HoldsRole())
PERMISSIONS: Final = (MANAGE_USERS,)
