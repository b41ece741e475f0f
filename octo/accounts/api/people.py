"""People in the API, for admins: who is here, which roles they hold, what was done about them."""

from http import HTTPStatus
from typing import Any

from octo.accounts import people, roles
from octo.accounts.current_user import this_user
from octo.accounts.models import User
from octo.accounts.permissions import MANAGE_USERS
from octo.accounts.roles import LastAdminError
from octo.accounts.schemas import ActSchema, PeopleSearchSchema, PersonSchema, RoleChangeSchema
from octo.accounts.trail import AuditEntry, trail_of
from octo.database import reading
from octo.errors import N_, ConflictError
from octo.paging import Page, Window
from octo.runtime import runtime
from octo.web.permissions import requires
from octo.web.routes import ApiBlueprint

api = ApiBlueprint(
    N_("People"), __name__, description=N_("For admins: who is here, and the roles they hold.")
)


@api.get("/users")
@requires(MANAGE_USERS)
@api.arguments(PeopleSearchSchema, location="query")
@api.paged(PersonSchema)
def list_users(search: dict[str, str], window: Window) -> Page[User]:
    """List people, the newest first."""
    with reading() as session:
        found = people.list_users(
            session, words=search["q"], limit=window.size + 1, offset=window.offset
        )
    return window.cut(found)


@api.get("/users/<user_id>")
@requires(MANAGE_USERS)
@api.response(HTTPStatus.OK, PersonSchema)
def get_user(user_id: str) -> User:
    """Read one person and their roles."""
    with reading() as session:
        return people.get_user(session, user_id)


@api.post("/users/<user_id>/grants")
@requires(MANAGE_USERS)
@api.refuses(ConflictError)
@api.arguments(RoleChangeSchema, example={"role": "moderator", "reason": "Elected in May."})
@api.response(HTTPStatus.OK, PersonSchema)
def grant_role(body: dict[str, Any], user_id: str) -> User:
    """Give a person a role, on the record; one they hold already changes nothing."""
    return roles.grant_role(user_id, **body, actor=this_user().public_id, clock=runtime().clock)


@api.post("/users/<user_id>/revocations")
@requires(MANAGE_USERS)
@api.refuses(LastAdminError)
@api.arguments(RoleChangeSchema)
@api.response(HTTPStatus.OK, PersonSchema)
def revoke_role(body: dict[str, Any], user_id: str) -> User:
    """Take a role away from a person, on the record."""
    return roles.revoke_role(user_id, **body, actor=this_user().public_id, clock=runtime().clock)


@api.get("/users/<user_id>/trail")
@requires(MANAGE_USERS)
@api.paged(ActSchema)
def read_user_trail(window: Window, user_id: str) -> Page[AuditEntry]:
    """Read what was done about a person, the oldest act first."""
    with reading() as session:
        people.get_user(session, user_id)
        return window.cut(trail_of(session, user_id, window=window))
