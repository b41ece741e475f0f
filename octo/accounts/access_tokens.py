"""Tokens that browsers and programs are signed in by, ended one by one or all at once.

A browser's cookie holds nothing else: whoever signs out ends its token, and a copy of the cookie
opens nothing any more.
"""

from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from octo.accounts.models import AccessToken, Purpose, User
from octo.clock import Clock
from octo.database import joined_transaction, lock, reading, transaction
from octo.ids import hash_token, new_token

TOKEN_LASTS: Final = timedelta(days=30)


def give_token(
    user_id: str, *, clock: Clock, purpose: Purpose = Purpose.PROGRAM
) -> tuple[AccessToken, str]:
    """Give a person a token, whose secret is told this once; those that have ended are removed."""
    secret = new_token()
    with joined_transaction() as session:
        user = lock(session, User, public_id=user_id)
        at = clock.machine_now()
        session.execute(
            sa.delete(AccessToken).where(
                AccessToken.user_id == user.id,
                sa.or_(
                    AccessToken.expires_at <= at,
                    AccessToken.fs_uniquifier != user.fs_uniquifier,
                ),
            )
        )
        token = AccessToken(
            user_id=user.id,
            purpose=purpose,
            token_hash=hash_token(secret),
            fs_uniquifier=user.fs_uniquifier,
            created_at=at,
            expires_at=at + TOKEN_LASTS,
        )
        session.add(token)
        session.flush()
        return token, secret


def find_bearer(secret: str, *, clock: Clock, purpose: Purpose = Purpose.PROGRAM) -> User | None:
    """Find who holds a token of this purpose, if it still opens anything."""
    statement = (
        sa.select(User)
        .join(AccessToken, AccessToken.user_id == User.id)
        .where(
            AccessToken.token_hash == hash_token(secret),
            AccessToken.purpose == purpose,
            AccessToken.fs_uniquifier == User.fs_uniquifier,
            AccessToken.expires_at > clock.machine_now(),
            User.active,
        )
    )
    with reading() as session:
        return session.scalars(statement).one_or_none()


def end_token(secret: str) -> None:
    """Take a token back; one that is gone already stays so."""
    with joined_transaction() as session:
        session.execute(sa.delete(AccessToken).where(AccessToken.token_hash == hash_token(secret)))


def end_every_token(user: User) -> None:
    """Take back all that a person is signed in by, on every device and in every program."""
    with transaction() as session:
        session.execute(sa.delete(AccessToken).where(AccessToken.user_id == user.id))
