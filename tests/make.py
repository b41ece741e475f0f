"""Valid objects for tests, made through the real services where one exists.

Each method makes one thing and what it needs; every argument has a sensible default, so that
a test names only what its rule is about.
"""

import itertools
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from flask import Flask
from flask_security import hash_password

from octo.database import db, transaction
from octo.ids import new_public_id, new_token
from octo.users.models import Role, RoleName, User
from tests.moment import Moment

PASSWORD: Final = "une phrase de passe pour les tests"
LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)


class Make:
    """A builder bound to the app of one test."""

    def __init__(self, app: Flask, moment: Moment) -> None:
        self.app = app
        self.moment = moment
        self._numbers = itertools.count(1)

    def user(
        self, name: str = "Léa Riou", *, roles: tuple[RoleName, ...] = (), email: str | None = None
    ) -> User:
        """Make a person whose e-mail is verified and who signs in with ``PASSWORD``."""
        with transaction() as session:
            user = User(
                public_id=new_public_id("usr"),
                email=email or f"person-{next(self._numbers)}@example.org",
                name=name,
                password=hash_password(PASSWORD),
                fs_uniquifier=new_token(),
                confirmed_at=LONG_AGO,
                created_at=LONG_AGO,
                roles=[_role(role) for role in roles],
            )
            session.add(user)
        return user


def _role(name: RoleName) -> Role:
    found = db.session.scalars(sa.select(Role).filter_by(name=name)).one_or_none()
    return found or Role(name=name)
