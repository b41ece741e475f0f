"""Add people to the app: signing in, accounts, organisations, roles."""

from flask import Flask

from octo.accounts import admin, api, commands, pages, permissions, sign_in, team_pages
from octo.accounts.labels import member_role_name
from octo.errors import N_
from octo.web import limits
from octo.web.api import register_api
from octo.web.navigation import Link, Place, add_link
from octo.web.permissions import declare_permissions


def register(app: Flask) -> None:
    """Add the pages, the commands, the limits and the links of the shell."""
    limits.register(app)
    declare_permissions(app, *permissions.PERMISSIONS)
    sign_in.register(app)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(team_pages.blueprint)
    app.register_blueprint(admin.blueprint)
    register_api(app, *api.PARTS)
    app.cli.add_command(commands.user_commands)
    app.jinja_env.globals.update(
        role_word=admin.role_word, act_word=admin.act_word, member_role_name=member_role_name
    )
    for link in (
        Link(N_("Sign in"), "security.login", Place.ACCOUNT, order=90, for_signed_in=False),
        Link(N_("Sign up"), "security.register", Place.ACCOUNT, order=95, for_signed_in=False),
        Link(N_("My account"), "account.index", Place.ACCOUNT, order=80, for_guests=False),
        Link(
            N_("People"), "admin.users", Place.WORK, order=80, permission=permissions.MANAGE_USERS
        ),
    ):
        add_link(app, link)
