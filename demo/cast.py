"""Bring the season's people on stage: one account each, all with the demo's password."""

from flask_security import hash_password

from demo.season import Season
from demo.sign_ins import DEMO_PASSWORD
from octo.clock import Clock
from octo.database import transaction
from octo.ids import new_public_id, new_token
from octo.users.models import Role, RoleName, User


def create_people(season: Season, *, clock: Clock) -> dict[str, User]:
    """Create everybody of the season, verified, and return them by key."""
    password = hash_password(DEMO_PASSWORD)
    with transaction() as session:
        at = clock.now()
        roles = {role.name: role for role in session.query(Role)}
        for name in RoleName:
            if name not in roles:
                roles[name] = Role(name=name)
        users = {
            person.key: User(
                public_id=new_public_id("usr"),
                email=person.email,
                name=person.name,
                password=password,
                locale=person.language,
                fs_uniquifier=new_token(),
                confirmed_at=at,
                created_at=at,
                roles=[roles[RoleName(person.role)]] if person.role else [],
            )
            for person in season.people.values()
        }
        session.add_all(users.values())
    return users
