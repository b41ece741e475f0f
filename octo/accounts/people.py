"""People and their accounts: made, found, and changed by themselves."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.accounts.models import LONGEST_NAME, RoleName, User
from octo.accounts.roles import BY_COMMAND, get_role, record_role
from octo.clock import Clock
from octo.database import lock, transaction
from octo.email_address import find_email, normalise_email
from octo.errors import N_, ConflictError, InvalidError, NotFoundError
from octo.ids import new_public_id, new_token
from octo.input_checks import InputChecks
from octo.search import matching
from octo.text import clean_text

LOCALES: Final = ("fr", "en")


class EmailTakenError(ConflictError):
    """An account has this address already; only commands and admins may be told."""

    code = "email_taken"


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
            record_role(
                session, "user.role_granted", user, role.name, actor=BY_COMMAND, clock=clock
            )
        return user


def change_profile(user_id: str, *, name: str, locale: str) -> User:
    """Change how a person is called and in which language the site speaks and writes to them."""
    with InputChecks() as check:
        shown = check(clean_text, name, field="name", most=LONGEST_NAME)
        spoken = check(checked_locale, locale)
    with transaction() as session:
        user = lock(session, User, public_id=user_id)
        user.name = shown
        user.locale = spoken
        return user


def find_user(session: Session, email: str) -> User | None:
    """Find who has this address, however it was typed."""
    return session.scalars(sa.select(User).filter_by(email=find_email(email))).one_or_none()


def get_user(session: Session, user_id: str) -> User:
    """Return a person by public id, erased or not."""
    found = session.scalars(sa.select(User).filter_by(public_id=user_id)).one_or_none()
    if found is None:
        raise NotFoundError(N_("Nothing was found at this address."))
    return found


def list_users(
    session: Session, *, words: str = "", limit: int = 100, offset: int = 0
) -> list[User]:
    """List people by name or address, newest first; the erased are nobody."""
    statement = sa.select(User).where(User.erased_at.is_(None)).order_by(User.id.desc())
    statement = statement.where(*matching(words, User.name, User.email))
    return list(session.scalars(statement.limit(limit).offset(offset)))


def checked_locale(locale: str) -> str:
    """Return a language the site speaks, or refuse it."""
    if locale not in LOCALES:
        raise InvalidError(N_("Choose one of the languages of the site."), field="locale")
    return locale
