"""Tokens that programs sign in with: given for a password, ended one by one or all at once."""

from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from octo.accounts.models import AccessToken, User
from octo.clock import Clock
from octo.database import lock, reading, transaction
from octo.ids import hash_token, new_token

TOKEN_LASTS: Final = timedelta(days=30)


def give_token(user_id: str, *, clock: Clock) -> tuple[AccessToken, str]:
    """Give a person a token, whose secret is told this once; those that have ended are removed."""
    secret = new_token()
    with transaction() as session:
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
            token_hash=hash_token(secret),
            fs_uniquifier=user.fs_uniquifier,
            created_at=at,
            expires_at=at + TOKEN_LASTS,
        )
        session.add(token)
        return token, secret


def find_bearer(secret: str, *, clock: Clock) -> User | None:
    """Find who holds a token, if it still opens anything."""
    statement = (
        sa.select(User)
        .join(AccessToken, AccessToken.user_id == User.id)
        .where(
            AccessToken.token_hash == hash_token(secret),
            AccessToken.fs_uniquifier == User.fs_uniquifier,
            AccessToken.expires_at > clock.machine_now(),
            User.active,
        )
    )
    with reading() as session:
        return session.scalars(statement).one_or_none()


def end_token(secret: str) -> None:
    """Take a token back; one that is gone already stays so."""
    with transaction() as session:
        session.execute(sa.delete(AccessToken).where(AccessToken.token_hash == hash_token(secret)))
