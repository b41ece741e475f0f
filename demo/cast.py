"""Bring the season's people on stage: one account each, all with the demo's password."""

from flask_security import hash_password

from demo.season import Season
from demo.sign_ins import DEMO_PASSWORD
from octo.accounts.models import RoleName, User
from octo.accounts.people import create_user
from octo.clock import Clock


def create_people(season: Season, *, clock: Clock) -> dict[str, User]:
    """Create everybody of the season, verified, and return them by key."""
    password_hash = hash_password(DEMO_PASSWORD)
    return {
        person.key: create_user(
            email=person.email,
            name=person.name,
            password_hash=password_hash,
            roles=[RoleName(person.role)] if person.role else [],
            locale=person.language,
            clock=clock,
        )
        for person in season.people.values()
    }
