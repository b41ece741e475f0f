"""The roles that open rooms of the site: given and taken, each time on the record."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.accounts.models import Role, RoleName, User
from octo.audit import record
from octo.clock import Clock
from octo.database import lock, transaction
from octo.errors import N_, ConflictError

BY_COMMAND: Final = "command"


class LastAdminError(ConflictError):
    """Somebody must be able to give roles."""

    code = "last_admin"


def grant_role(user_id: str, *, role: RoleName, actor: str, reason: str = "", clock: Clock) -> User:
    """Give a role; giving it twice changes nothing."""
    with transaction() as session:
        user = lock(session, User, public_id=user_id)
        if user.erased_at is not None:
            raise ConflictError(N_("This account is erased."))
        if not user.has_any_role(role):
            user.roles.append(get_role(session, role))
            record_role(
                session, "user.role_granted", user, role, actor=actor, reason=reason, clock=clock
            )
        return user


def revoke_role(
    user_id: str, *, role: RoleName, actor: str, reason: str = "", clock: Clock
) -> User:
    """Take a role away; the last admin keeps theirs, or nobody could give it again."""
    with transaction() as session:
        held = get_role(session, role)
        lock(session, Role, id=held.id)
        user = lock(session, User, public_id=user_id)
        if not user.has_any_role(role):
            return user
        check_not_last_admin(session, user, role)
        user.roles.remove(held)
        record_role(
            session, "user.role_revoked", user, role, actor=actor, reason=reason, clock=clock
        )
        return user


def get_role(session: Session, name: RoleName) -> Role:
    """Return the row of a role, written the first time it is needed.

    Two first times at once meet at the unique name: the second one reads what the first wrote.
    """
    statement = sa.select(Role).filter_by(name=name)
    if found := session.scalars(statement).one_or_none():
        return found
    try:
        with session.begin_nested():
            session.add(Role(name=name))
    except sa.exc.IntegrityError:
        pass
    return session.scalars(statement).one()


def check_not_last_admin(session: Session, user: User, role: RoleName = RoleName.ADMIN) -> None:
    """Raise ``LastAdminError`` if nobody could give roles once this person lost ``role``."""
    is_admin = role is RoleName.ADMIN and user.has_any_role(RoleName.ADMIN)
    if is_admin and _admins_count(session) == 1:
        raise LastAdminError(N_("This is the last admin: make somebody else one first."))


def record_role(
    session: Session,
    action: str,
    user: User,
    role: RoleName,
    *,
    actor: str,
    reason: str = "",
    clock: Clock,
) -> None:
    """Write on the trail that a role was given or taken."""
    record(
        session,
        actor=actor,
        action=action,
        subject=user.public_id,
        reason=reason,
        at=clock.now(),
        role=role.value,
    )


def _admins_count(session: Session) -> int:
    statement = sa.select(sa.func.count()).select_from(User).where(User.active)
    return session.scalar(statement.where(User.roles.any(Role.name == RoleName.ADMIN))) or 0
