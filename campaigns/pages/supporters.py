"""Standing behind a campaign before its launch, by a mailed link."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from campaigns import queries
from campaigns.pages.entries import text_of
from campaigns.settings import Rules
from campaigns.supporters.support import confirm_support, get_supported_campaign, support_campaign
from campaigns.visitor import supports
from octo.runtime import runtime
from octo.web.forms import flash_message, shown_again_by
from octo.web.language import current_language
from octo.web.permissions import public

blueprint = Blueprint("supporters", __name__)


@blueprint.get("/campaigns/<slug>/support")
@public
def form(slug: str) -> ResponseReturnValue:
    """Ask who wants to stand behind a campaign."""
    return render_template("campaigns/support.html", campaign=queries.get_campaign(slug=slug))


@blueprint.post("/campaigns/<slug>/support")
@public
@supports
@shown_again_by(form)
def support(slug: str) -> ResponseReturnValue:
    """Note a supporter; the mailed link makes it count."""
    campaign = queries.get_campaign(slug=slug)
    support_campaign(
        campaign.public_id,
        email=text_of("email"),
        name=text_of("name"),
        word=text_of("word"),
        locale=current_language(),
        clock=runtime().clock,
    )
    flash_message(_("Almost done: follow the link we have just mailed to you."))
    return redirect(url_for("campaigns.show", slug=slug), 303)


@blueprint.get("/support/<token>")
@public
def confirm(token: str) -> ResponseReturnValue:
    """Ask for the one press that counts: programs that read mails follow links, people press."""
    return render_template(
        "campaigns/support_confirm.html",
        token=token,
        campaign=get_supported_campaign(token),
    )


@blueprint.post("/support/<token>")
@public
@shown_again_by(confirm)
def count(token: str) -> ResponseReturnValue:
    """Count a supporter who followed the mailed link."""
    campaign = confirm_support(token, clock=runtime().clock, rules=runtime().settings.of(Rules))
    flash_message(_("Thank you: you now stand behind this campaign."))
    return redirect(url_for("campaigns.show", slug=campaign.slug), 303)
