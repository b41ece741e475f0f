"""Add campaigns to an app: pages, API, commands and links of the shell."""

from flask import Flask

from campaigns import api, permissions
from campaigns.commands import register_commands
from campaigns.erasure import forget_person
from campaigns.longest_times import LONGEST_TIMES
from campaigns.mails import ANNOUNCEMENTS, OWN_CAMPAIGNS, REVIEWS
from campaigns.models import limits
from campaigns.pages import drafts, moderation, owner, pledges, public, supporters
from campaigns.pages.labels import category_name
from octo.accounts.erasure import register_eraser
from octo.errors import N_
from octo.health.longest_times import register_longest_times
from octo.mail.audiences import register_announcements
from octo.mail.kinds import register_mail_kind
from octo.web.api import register_api
from octo.web.navigation import Link, Place, add_link
from octo.web.permissions import declare_permissions


def register(app: Flask) -> None:
    """Add the pages, the API, the commands and the links of campaigns."""
    declare_permissions(app, *permissions.PERMISSIONS)
    for pages in (public, supporters, pledges, owner, drafts, moderation):
        app.register_blueprint(pages.blueprint)
    register_api(app, *api.PARTS)
    register_commands(app)
    register_eraser(app, forget_person)
    register_announcements(app, *ANNOUNCEMENTS)
    for kind in (OWN_CAMPAIGNS, REVIEWS):
        register_mail_kind(app, kind)
    register_longest_times(app, LONGEST_TIMES)
    app.jinja_env.globals["limits"] = limits
    app.jinja_env.globals["category_name"] = category_name
    for link in (
        Link(N_("Discover"), "campaigns.browse", Place.MAIN, order=10),
        Link(N_("Start a campaign"), "owner.index", Place.MAIN, order=20),
        Link(N_("My campaigns"), "owner.index", Place.WORK, order=10, for_guests=False),
        Link(N_("My pledges"), "pledges.mine", Place.ACCOUNT, order=10, for_guests=False),
        Link(
            N_("Review"),
            "moderation.queue",
            Place.WORK,
            order=20,
            permission=permissions.MODERATE_CAMPAIGNS,
        ),
    ):
        add_link(app, link)
