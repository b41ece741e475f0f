"""What people do with their own account, and what an admin does with roles."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.accounts.models import (
    LONGEST_NAME,
    Invitation,
    Membership,
    Role,
    RoleName,
    User,
    normalise_email,
)
from octo.audit import AuditEvent, record
from octo.checks import Checks
from octo.clock import Clock
from octo.database import lock, transaction
from octo.errors import N_, ConflictError, InvalidError, NotFoundError
from octo.ids import new_public_id, new_token
from octo.mail.outbox import MessageStatus, OutboxMessage
from octo.paging import Window, narrowed
from octo.search import matching
from octo.text import clean_text

LOCALES = ("fr", "en")
BY_COMMAND = "command"


class EmailTakenError(ConflictError):
    """An account has this address already; only commands and admins may be told."""

    code = "email_taken"


class LastAdminError(ConflictError):
    """Somebody must be able to give roles."""

    code = "last_admin"


class StillNeededError(ConflictError):
    """Money of this person, or of those who trusted them, has not reached its end."""

    code = "still_needed"


class AuditEntry(NamedTuple):
    """One act of the trail, and the name of the person who acted, if it was one."""

    event: AuditEvent
    actor_name: str


class Eraser(Protocol):
    """What another package does when a person leaves.

    It forgets the person, or raises ``StillNeededError`` for now.
    """

    def __call__(self, session: Session, user: User) -> None:
        """Take the person out of this package's rows, in the transaction of the erasure."""


def create_user(
    *,
    email: str,
    name: str,
    password_hash: str,
    roles: Sequence[RoleName] = (),
    locale: str = "fr",
    clock: Clock,
) -> User:
    """Create a person whose address is taken as verified: for commands and the demo."""
    address = normalise_email(email)
    shown = clean_text(name, field="name", most=LONGEST_NAME)
    with transaction() as session:
        if find_user(session, address) is not None:
            raise EmailTakenError(N_("An account has this address already."), field="email")
        at = clock.now()
        user = User(
            public_id=new_public_id("usr"),
            email=address,
            name=shown,
            password=password_hash,
            locale=checked_locale(locale),
            active=True,
            fs_uniquifier=new_token(),
            confirmed_at=at,
            created_at=at,
            roles=[get_role(session, role) for role in dict.fromkeys(roles)],
        )
        session.add(user)
        session.flush()
        for role in user.roles:
            _record_role(
                session, "user.role_granted", user, role.name, actor=BY_COMMAND, clock=clock
            )
        return user


def change_profile(user_id: str, *, name: str, locale: str) -> User:
    """Change how a person is called and in which language the site speaks and writes to them."""
    with Checks() as check:
        shown = check(clean_text, name, field="name", most=LONGEST_NAME)
        spoken = check(checked_locale, locale)
    with transaction() as session:
        user = lock(session, User, public_id=user_id)
        user.name = shown
        user.locale = spoken
        return user


def grant_role(user_id: str, *, role: RoleName, actor: str, reason: str = "", clock: Clock) -> User:
    """Give a role; giving it twice changes nothing."""
    with transaction() as session:
        user = lock(session, User, public_id=user_id)
        if user.erased_at is not None:
            raise ConflictError(N_("This account is erased."))
        if not user.has_any_role(role):
            user.roles.append(get_role(session, role))
            _record_role(
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
        if role is RoleName.ADMIN and _admins_count(session) == 1:
            raise LastAdminError(N_("This is the last admin: make somebody else one first."))
        user.roles.remove(held)
        _record_role(
            session, "user.role_revoked", user, role, actor=actor, reason=reason, clock=clock
        )
        return user


def erase_user(user_id: str, *, erasers: Sequence[Eraser], actor: str, clock: Clock) -> User:
    """Take a person out of their account, for good; what happened stays, without them.

    The row remains, so that the trail and the books still hold together. Each package may
    refuse for as long as it owes the person something.
    """
    with transaction() as session:
        user = lock(session, User, public_id=user_id)
        if user.erased_at is not None:
            return user
        if user.has_any_role(RoleName.ADMIN) and _admins_count(session) == 1:
            raise LastAdminError(N_("This is the last admin: make somebody else one first."))
        for erase in erasers:
            erase(session, user)
        at = clock.now()
        _erase_mails(session, user, clock)
        session.execute(sa.delete(Membership).where(Membership.user_id == user.id))
        user.roles.clear()
        user.email = user.pseudonym
        user.name = ""
        user.password = None
        user.fs_uniquifier = new_token()
        user.active = False
        user.confirmed_at = None
        user.erased_at = at
        record(session, actor=actor, action="user.erased", subject=user.public_id, at=at)
        return user


def find_user(session: Session, email: str) -> User | None:
    """Find who has this address, however it was typed."""
    return session.scalars(sa.select(User).filter_by(email=normalise_email(email))).one_or_none()


def get_user(session: Session, user_id: str) -> User:
    """Return a person by public id, erased or not."""
    found = session.scalars(sa.select(User).filter_by(public_id=user_id)).one_or_none()
    if found is None:
        raise NotFoundError(N_("Nothing was found at this address."))
    return found


def trail_of(session: Session, subject: str, *, window: Window | None = None) -> list[AuditEntry]:
    """Return what was done about a subject, the oldest act first."""
    statement = (
        sa.select(AuditEvent, sa.func.coalesce(User.name, ""))
        .outerjoin(User, User.public_id == AuditEvent.actor)
        .where(AuditEvent.subject == subject)
        .order_by(AuditEvent.id)
    )
    return [AuditEntry(*row) for row in session.execute(narrowed(statement, window))]


def list_users(
    session: Session, *, words: str = "", limit: int = 100, offset: int = 0
) -> list[User]:
    """List people by name or address, newest first; the erased are nobody."""
    statement = sa.select(User).where(User.erased_at.is_(None)).order_by(User.id.desc())
    statement = statement.where(*matching(words, User.name, User.email))
    return list(session.scalars(statement.limit(limit).offset(offset)))


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


def checked_locale(locale: str) -> str:
    """Return a language the site speaks, or refuse it."""
    if locale not in LOCALES:
        raise InvalidError(N_("Choose one of the languages of the site."), field="locale")
    return locale


def _admins_count(session: Session) -> int:
    statement = sa.select(sa.func.count()).select_from(User).where(User.active)
    return session.scalar(statement.where(User.roles.any(Role.name == RoleName.ADMIN))) or 0


def _record_role(
    session: Session,
    action: str,
    user: User,
    role: RoleName,
    *,
    actor: str,
    reason: str = "",
    clock: Clock,
) -> None:
    record(
        session,
        actor=actor,
        action=action,
        subject=user.public_id,
        reason=reason,
        at=clock.now(),
        role=role.value,
    )


def _erase_mails(session: Session, user: User, clock: Clock) -> None:
    """Forget to whom mails went; those still waiting are not sent to somebody who left."""
    pseudonym = user.pseudonym
    to_them = sa.update(OutboxMessage).where(OutboxMessage.email == user.email)
    session.execute(
        to_them.where(OutboxMessage.status == MessageStatus.PENDING).values(
            status=MessageStatus.REFUSED,
            closed_at=clock.machine_now(),
            next_try_at=None,
            last_error="erased",
        )
    )
    session.execute(to_them.values(email=pseudonym, context={}, subject=""))
    invited = sa.update(Invitation).where(Invitation.email == user.email)
    session.execute(invited.values(email=pseudonym))
