"""Add what a treasurer reads, exports and decides to the app."""

from flask import Flask

from octo.web.api import register_api
from octo.web.permissions import declare_permissions
from octo.web.staff_banner import add_staff_notice
from treasury import api, permissions
from treasury.commands import books as commands
from treasury.pages import books, decisions, discrepancies, owners


def register(app: Flask) -> None:
    """Add the treasury's pages, its part of the API and its commands."""
    declare_permissions(app, *permissions.PERMISSIONS)
    books.register_pages(app)
    app.register_blueprint(decisions.blueprint)
    app.register_blueprint(discrepancies.blueprint)
    app.register_blueprint(owners.blueprint)
    add_staff_notice(app, discrepancies.tell_staff)
    register_api(app, *api.PARTS)
    commands.register_commands(app)
