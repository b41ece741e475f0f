"""What an admin does: see who is here, give and take roles, read the trail."""

import sqlalchemy as sa
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_security import current_user

from octo.accounts import people, roles
from octo.accounts.models import RoleName, User
from octo.accounts.permissions import MANAGE_USERS
from octo.audit import AuditEvent
from octo.database import reading
from octo.errors import N_, InvalidError
from octo.input_checks import InputChecks
from octo.runtime import runtime
from octo.text import clean_text
from octo.web.forms import flash_message, shown_again_by
from octo.web.navigation import asked_page
from octo.web.permissions import requires

PAGE_SIZE = 50

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


def role_words() -> list[tuple[str, str]]:
    """Return the roles to choose from, in the reader's language."""
    return [
        (RoleName.OWNER, _("Owner: runs campaigns")),
        (RoleName.MODERATOR, _("Moderator: reviews campaigns")),
        (RoleName.TREASURER, _("Treasurer: reads the books and moves money")),
        (RoleName.ADMIN, _("Admin: may do everything")),
    ]


def role_word(name: str) -> str:
    """Return the short word for a role, in the reader's language."""
    words = {
        RoleName.OWNER: _("Owner"),
        RoleName.MODERATOR: _("Moderator"),
        RoleName.TREASURER: _("Treasurer"),
        RoleName.ADMIN: _("Admin"),
    }
    return str(words[RoleName(name)])


def act_word(action: str) -> str:
    """Return what was done about a person, in the reader's language."""
    words = {
        "user.role_granted": _("Role given"),
        "user.role_revoked": _("Role taken away"),
        "user.erased": _("Account erased"),
    }
    return str(words.get(action, action))


@blueprint.get("")
@requires(MANAGE_USERS)
def index() -> ResponseReturnValue:
    """Lead to the people, the first thing an admin looks after."""
    return redirect(url_for("admin.users"))


@blueprint.get("/users")
@requires(MANAGE_USERS)
def users() -> ResponseReturnValue:
    """List people, newest first; ``q`` keeps those whose name or address has these words."""
    page = asked_page()
    words = request.args.get("q", "").strip()
    with reading() as session:
        found = people.list_users(
            session, words=words, limit=PAGE_SIZE + 1, offset=(page - 1) * PAGE_SIZE
        )
    return render_template(
        "accounts/people.html",
        people=found[:PAGE_SIZE],
        has_more=len(found) > PAGE_SIZE,
        page=page,
        words=words,
    )


@blueprint.get("/users/<user_id>")
@requires(MANAGE_USERS)
def user(user_id: str) -> ResponseReturnValue:
    """Show one person, their roles, and what was done about them."""
    with reading() as session:
        person = people.get_user(session, user_id)
        trail = list(
            session.scalars(
                sa.select(AuditEvent).filter_by(subject=user_id).order_by(AuditEvent.id.desc())
            )
        )
        actors = {event.actor for event in trail}
        named = session.scalars(sa.select(User).where(User.public_id.in_(actors)))
        names = {actor.public_id: actor.name or actor.email for actor in named}
    return render_template(
        "accounts/person.html", person=person, trail=trail, roles=role_words(), names=names
    )


@blueprint.post("/users/<user_id>/roles")
@requires(MANAGE_USERS)
@shown_again_by(user)
def change_role(user_id: str) -> ResponseReturnValue:
    """Give or take one role, with a reason for the trail."""
    change = roles.revoke_role if request.form.get("act") == "revoke" else roles.grant_role
    with InputChecks() as check:
        role = check(_role_entered)
        reason = check(_reason_entered)
    change(user_id, role=role, actor=current_user.public_id, reason=reason, clock=runtime().clock)
    flash_message(_("The roles are changed."))
    return redirect(url_for("admin.user", user_id=user_id))


def _role_entered() -> RoleName:
    entered = request.form.get("role", "")
    if entered not in set(RoleName):
        raise InvalidError(N_("Choose one of the roles."), field="role")
    return RoleName(entered)


def _reason_entered() -> str:
    return clean_text(request.form.get("reason", ""), field="reason", most=280, is_required=True)
