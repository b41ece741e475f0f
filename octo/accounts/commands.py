"""``flask user``: people and their roles, from the command line."""

import json

import click
from flask.cli import AppGroup
from flask_security import hash_password

from octo.accounts import people, roles
from octo.accounts.models import RoleName, User
from octo.accounts.sign_in import SHORTEST_PASSWORD
from octo.command_line import EmailAddress, KnownEmailAddress, json_option, printing_refusals
from octo.database import reading
from octo.errors import N_, NotFoundError
from octo.runtime import runtime

user_commands = AppGroup("user", help="Create people, and give or take roles.")
role_type = click.Choice([role.value for role in RoleName])


@user_commands.command("create")
@click.argument("email", type=EmailAddress())
@click.option("--name", default="", help="What the person is called.")
@click.option("--role", "roles", multiple=True, type=role_type, help="May be repeated.")
@click.option("--locale", default="fr", type=click.Choice(people.LOCALES))
@click.password_option(help="Asked for when not given.")
@json_option
@printing_refusals
def create(
    email: str, *, name: str, roles: tuple[str, ...], locale: str, password: str, as_json: bool
) -> None:
    """Create a person whose EMAIL is taken as verified."""
    if len(password) < SHORTEST_PASSWORD:
        raise click.BadParameter(f"a password has at least {SHORTEST_PASSWORD} characters")
    user = people.create_user(
        email=email,
        name=name,
        password_hash=hash_password(password),
        roles=[RoleName(role) for role in roles],
        locale=locale,
        clock=runtime().clock,
    )
    _show([user], as_json=as_json)


@user_commands.command("grant")
@click.argument("email", type=KnownEmailAddress())
@click.argument("role", type=role_type)
@click.option("--reason", default="", help="Kept in the audit trail.")
@json_option
@printing_refusals
def grant(email: str, role: str, *, reason: str, as_json: bool) -> None:
    """Give ROLE to the person with this EMAIL."""
    user = roles.grant_role(
        _id_of(email),
        role=RoleName(role),
        actor=roles.BY_COMMAND,
        reason=reason,
        clock=runtime().clock,
    )
    _show([user], as_json=as_json)


@user_commands.command("revoke")
@click.argument("email", type=KnownEmailAddress())
@click.argument("role", type=role_type)
@click.option("--reason", default="", help="Kept in the audit trail.")
@json_option
@printing_refusals
def revoke(email: str, role: str, *, reason: str, as_json: bool) -> None:
    """Take ROLE from the person with this EMAIL."""
    user = roles.revoke_role(
        _id_of(email),
        role=RoleName(role),
        actor=roles.BY_COMMAND,
        reason=reason,
        clock=runtime().clock,
    )
    _show([user], as_json=as_json)


@user_commands.command("list")
@click.argument("words", default="")
@click.option("--limit", default=100, type=click.IntRange(1, 10_000), help="At most so many.")
@json_option
@printing_refusals
def list_people(words: str, *, limit: int, as_json: bool) -> None:
    """List people, newest first; WORDS keeps those whose name or address has them."""
    with reading() as session:
        found = people.list_users(session, words=words, limit=limit)
    _show(found, as_json=as_json)


def _id_of(email: str) -> str:
    with reading() as session:
        user = people.find_user(session, email)
        if user is None:
            raise NotFoundError(N_("No account has this address."))
        return user.public_id


def _show(people: list[User], *, as_json: bool) -> None:
    rows = [
        {
            "id": user.public_id,
            "email": user.email,
            "name": user.name,
            "locale": user.locale,
            "active": user.active,
            "confirmed": user.confirmed_at is not None,
            "roles": sorted(role.name.value for role in user.roles),
        }
        for user in people
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for user, row in zip(people, rows, strict=True):
        roles = ", ".join(sorted(role.name.value for role in user.roles)) or "-"
        click.echo(f"{row['id']}  {row['email']:<40}  {roles:<30}  {row['name']}")
