"""The moderators' pages: what waits, one campaign to review, and its audit trail."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from campaigns import queries
from campaigns.deadline.outage import extend_for_outage, may_extend_for_outage, read_local
from campaigns.launch.terms import rules_of
from campaigns.pages.entries import choice_of, text_of
from campaigns.pages.labels import action_name, category_name
from campaigns.permissions import DECIDE_CAMPAIGN, MODERATE_CAMPAIGNS
from campaigns.policy.review import Act, acts_for
from campaigns.review import review
from campaigns.review.decisions import act_on_campaign
from campaigns.settings import Rules
from octo.accounts.current_user import this_user
from octo.permissions import may
from octo.runtime import runtime
from octo.web.forms import flash_message, shown_again_by
from octo.web.permissions import requires

blueprint = Blueprint("moderation", __name__, url_prefix="/moderation")


@blueprint.get("/")
@requires(MODERATE_CAMPAIGNS)
def queue() -> ResponseReturnValue:
    """List what waits for a moderator, and what runs."""
    return render_template(
        "campaigns/moderation_queue.html",
        waiting=queries.list_to_review(),
        watched=queries.list_watched(),
        now=runtime().clock.now(),
    )


@blueprint.get("/<campaign_id>")
@requires(MODERATE_CAMPAIGNS)
def show(campaign_id: str) -> ResponseReturnValue:
    """Show a campaign whole, what may be decided, and what was."""
    campaign = queries.get_any_campaign(public_id=campaign_id)
    return render_template(
        "campaigns/moderation_review.html",
        campaign=campaign,
        missing=review.find_missing(campaign),
        acts=acts_for(campaign.status),
        may_decide=may(DECIDE_CAMPAIGN, this_user(), campaign),
        may_extend=may_extend_for_outage(campaign),
        supporters=queries.list_supporters(campaign),
        trail=queries.list_audit(campaign.public_id),
        action_name=action_name,
        category_name=category_name,
        now=runtime().clock.now(),
    )


@blueprint.post("/<campaign_id>")
@requires(DECIDE_CAMPAIGN)
@shown_again_by(show)
def decide(campaign_id: str) -> ResponseReturnValue:
    """Act on a campaign, with a reason, on the record."""
    act_on_campaign(
        campaign_id,
        act=choice_of("act", Act),
        reason=text_of("reason"),
        actor=this_user(),
        clock=runtime().clock,
        rules=runtime().settings.of(Rules),
    )
    flash_message(_("Done, and written on the trail."))
    return redirect(url_for("moderation.show", campaign_id=campaign_id), 303)


@blueprint.get("/<campaign_id>/extend")
@requires(MODERATE_CAMPAIGNS)
def ask_extension(campaign_id: str) -> ResponseReturnValue:
    """Ask until when, and why, the deadline is moved."""
    campaign = queries.get_any_campaign(public_id=campaign_id)
    return render_template(
        "campaigns/moderation_extend.html",
        campaign=campaign,
        hours=rules_of(campaign, runtime().settings.of(Rules)).outage_extension_hours,
    )


@blueprint.post("/<campaign_id>/extend")
@requires(DECIDE_CAMPAIGN)
@shown_again_by(ask_extension)
def extend(campaign_id: str) -> ResponseReturnValue:
    """Give a campaign the time that an outage took from it."""
    campaign = queries.get_any_campaign(public_id=campaign_id)
    extend_for_outage(
        campaign_id,
        until=read_local(text_of("until"), campaign.time_zone, field="until"),
        reason=text_of("reason"),
        actor=this_user(),
        clock=runtime().clock,
        rules=runtime().settings.of(Rules),
    )
    flash_message(_("The deadline is moved, and the owner is told."))
    return redirect(url_for("moderation.show", campaign_id=campaign_id), 303)
