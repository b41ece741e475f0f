"""The owner's pages: every campaign at a glance, and one campaign from launch to its end."""

from collections.abc import Sequence
from typing import Final

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from campaigns import queries
from campaigns.launch import onboarding
from campaigns.launch.cancel import cancel_own_campaign
from campaigns.launch.extend import extend_campaign, most_extra_days
from campaigns.launch.launch import check_readiness, launch_campaign
from campaigns.models import Campaign, Pledge
from campaigns.pages.entries import text_of, whole_of
from campaigns.pages.labels import action_name, category_name, collection_name
from campaigns.permissions import READ_PLEDGES, REGISTER_OWNER, RUN_CAMPAIGN, SEE_OWN_CAMPAIGN
from campaigns.pledges import queries as pledge_queries
from campaigns.ports import bound_payments, collecting_of
from campaigns.review import review
from campaigns.settings import Rules
from octo.accounts.current_user import this_user
from octo.paging import Window
from octo.permissions import may
from octo.runtime import runtime
from octo.web.forms import flash_message, shown_again_by
from octo.web.navigation import asked_page
from octo.web.permissions import requires, signed_in

LATEST: Final = 10

blueprint = Blueprint("owner", __name__, url_prefix="/owner")


@blueprint.get("/")
@signed_in
def index() -> ResponseReturnValue:
    """List the campaigns the reader runs."""
    user = this_user()
    return render_template(
        "campaigns/owner_index.html",
        campaigns=queries.list_own_campaigns(user),
        organisations=queries.list_organisations(user),
        now=runtime().clock.now(),
    )


@blueprint.get("/campaigns/<campaign_id>")
@requires(SEE_OWN_CAMPAIGN)
def show(campaign_id: str) -> ResponseReturnValue:
    """Show where a campaign stands and what to do next."""
    campaign = queries.get_own_campaign(campaign_id, user=this_user())
    rules = runtime().settings.of(Rules)
    return render_template(
        "campaigns/owner_campaign.html",
        campaign=campaign,
        missing=review.find_missing(campaign),
        readiness=check_readiness(campaign, payments=bound_payments(), rules=rules),
        supporters=queries.list_supporters(campaign),
        supporters_needed=rules.supporters_needed,
        most_extra_days=most_extra_days(campaign, rules),
        pledges=_latest_pledges(campaign),
        trail=queries.list_audit(campaign.public_id),
        action_name=action_name,
        category_name=category_name,
        collection_name=collection_name,
        collecting=collecting_of(campaign),
        support_url=runtime().settings.base_url + url_for("supporters.form", slug=campaign.slug),
        campaign_url=runtime().settings.base_url + url_for("campaigns.show", slug=campaign.slug),
        now=runtime().clock.now(),
    )


@blueprint.get("/campaigns/<campaign_id>/pledges")
@requires(READ_PLEDGES)
def pledges(campaign_id: str) -> ResponseReturnValue:
    """List the pledges a campaign received."""
    campaign = queries.get_own_campaign(campaign_id, user=this_user(), permission=READ_PLEDGES)
    return render_template(
        "campaigns/owner_pledges.html",
        campaign=campaign,
        pledges=pledge_queries.list_pledges(campaign, window=Window(asked_page())),
    )


@blueprint.post("/campaigns/<campaign_id>/submit")
@requires(RUN_CAMPAIGN)
@shown_again_by(show)
def submit(campaign_id: str) -> ResponseReturnValue:
    """Ask for the review."""
    review.submit_campaign(campaign_id, actor=this_user(), clock=runtime().clock)
    flash_message(_("Your campaign is submitted. A moderator will read it."))
    return _back(campaign_id)


@blueprint.post("/campaigns/<campaign_id>/withdraw")
@requires(RUN_CAMPAIGN)
@shown_again_by(show)
def withdraw(campaign_id: str) -> ResponseReturnValue:
    """Take a campaign back to draft."""
    review.withdraw_campaign(campaign_id, actor=this_user(), clock=runtime().clock)
    flash_message(_("Your campaign is a draft again."), "note")
    return _back(campaign_id)


@blueprint.post("/campaigns/<campaign_id>/onboard")
@requires(REGISTER_OWNER)
@shown_again_by(show)
def onboard(campaign_id: str) -> ResponseReturnValue:
    """Lead to Stripe's registration of the organisation."""
    base_url = runtime().settings.base_url
    url = onboarding.begin_onboarding(
        campaign_id,
        actor=this_user(),
        payments=bound_payments(),
        return_url=base_url + url_for("owner.onboarded", campaign_id=campaign_id),
        refresh_url=base_url + url_for("owner.show", campaign_id=campaign_id),
    )
    return redirect(url, 303)


@blueprint.get("/campaigns/<campaign_id>/onboarded")
@requires(REGISTER_OWNER)
@shown_again_by(show)
def onboarded(campaign_id: str) -> ResponseReturnValue:
    """Take in what Stripe says of the organisation, back from its registration."""
    onboarding.refresh_owner(campaign_id, actor=this_user(), payments=bound_payments())
    return _back(campaign_id)


@blueprint.post("/campaigns/<campaign_id>/launch")
@requires(RUN_CAMPAIGN)
@shown_again_by(show)
def launch(campaign_id: str) -> ResponseReturnValue:
    """Open a campaign to pledges."""
    launch_campaign(
        campaign_id,
        actor=this_user(),
        clock=runtime().clock,
        payments=bound_payments(),
        rules=runtime().settings.of(Rules),
    )
    flash_message(_("Your campaign is live. Fair wind!"))
    return _back(campaign_id)


@blueprint.post("/campaigns/<campaign_id>/extend")
@requires(RUN_CAMPAIGN)
@shown_again_by(show)
def extend(campaign_id: str) -> ResponseReturnValue:
    """Move the deadline, once."""
    extend_campaign(
        campaign_id,
        days=whole_of("days"),
        actor=this_user(),
        clock=runtime().clock,
        rules=runtime().settings.of(Rules),
    )
    flash_message(_("The deadline is moved."))
    return _back(campaign_id)


@blueprint.post("/campaigns/<campaign_id>/cancel")
@requires(RUN_CAMPAIGN)
@shown_again_by(show)
def cancel(campaign_id: str) -> ResponseReturnValue:
    """Call a running campaign off; every backer is refunded."""
    cancel_own_campaign(
        campaign_id, reason=text_of("reason"), actor=this_user(), clock=runtime().clock
    )
    flash_message(_("Your campaign is canceled. Every backer gets the money back."), "note")
    return _back(campaign_id)


def _latest_pledges(campaign: Campaign) -> Sequence[Pledge]:
    """Return the latest pledges to those who may read them, and none to others."""
    if not may(READ_PLEDGES, this_user(), campaign):
        return ()
    return pledge_queries.list_pledges(campaign, window=Window(size=LATEST)).items


def _back(campaign_id: str) -> ResponseReturnValue:
    return redirect(url_for("owner.show", campaign_id=campaign_id), 303)
