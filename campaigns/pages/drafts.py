"""Writing a campaign, a step at a time: text, cover, terms, costs, rewards."""

from typing import Final

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from campaigns import queries
from campaigns.drafts import edit
from campaigns.drafts.write import CampaignText
from campaigns.models import Campaign
from campaigns.pages.entries import (
    Entries,
    cost_rows_entered,
    read_campaign_terms,
    read_campaign_text,
    read_cost_lines,
    read_reward,
    text_of,
)
from campaigns.pages.labels import (
    TIME_ZONES,
    category_choices,
    category_name,
    collection_choices,
    collection_name,
)
from campaigns.permissions import EDIT_CAMPAIGN
from campaigns.ports import bound_payments
from campaigns.review import review
from campaigns.settings import Rules
from octo.accounts.current_user import this_user
from octo.errors import InvalidError
from octo.money import parse_amount
from octo.runtime import runtime
from octo.web.forms import flash_message, shown_again_by
from octo.web.permissions import requires

SPARE_ROWS: Final = 3
blueprint = Blueprint("drafts", __name__, url_prefix="/owner/campaigns")


@blueprint.get("/new")
@requires(EDIT_CAMPAIGN)
def new() -> ResponseReturnValue:
    """Ask for the little a draft begins with."""
    rules = runtime().settings.of(Rules)
    return render_template(
        "campaigns/draft_new.html",
        organisations=queries.list_organisations(this_user()),
        categories=category_choices(),
        rules=rules,
    )


@blueprint.post("/new")
@requires(EDIT_CAMPAIGN)
@shown_again_by(new)
def create() -> ResponseReturnValue:
    """Begin a draft."""
    settings = runtime().settings
    campaign = edit.draft_campaign(
        organisation_id=text_of("organisation"),
        text=CampaignText(title=text_of("title")),
        terms=read_campaign_terms(settings.currency, has_collection=False),
        actor=this_user(),
        clock=runtime().clock,
        rules=settings.of(Rules),
    )
    return _to("drafts.text", campaign.public_id)


@blueprint.get("/<campaign_id>/text")
@requires(EDIT_CAMPAIGN)
def text(campaign_id: str) -> ResponseReturnValue:
    """Edit what people read."""
    return _step("text", campaign_id)


@blueprint.post("/<campaign_id>/text")
@requires(EDIT_CAMPAIGN)
@shown_again_by(text)
def save_text(campaign_id: str) -> ResponseReturnValue:
    """Save what people read."""
    known = queries.get_own_campaign(campaign_id, user=this_user(), permission=EDIT_CAMPAIGN)
    edit.edit_text(
        campaign_id,
        text=read_campaign_text(known.cover_description),
        actor=this_user(),
        clock=runtime().clock,
    )
    return _saved(campaign_id, "drafts.cover")


@blueprint.get("/<campaign_id>/cover")
@requires(EDIT_CAMPAIGN)
def cover(campaign_id: str) -> ResponseReturnValue:
    """Edit the picture."""
    return _step("cover", campaign_id)


@blueprint.post("/<campaign_id>/cover")
@requires(EDIT_CAMPAIGN)
@shown_again_by(cover)
def save_cover(campaign_id: str) -> ResponseReturnValue:
    """Keep the picture sent and what it shows."""
    queries.get_own_campaign(campaign_id, user=this_user(), permission=EDIT_CAMPAIGN)
    sent = request.files.get("cover")
    entries = Entries()
    edit.set_cover(
        campaign_id,
        cover=entries.picture(sent.read()) if sent and sent.filename else None,
        description=text_of("cover_description"),
        actor=this_user(),
        clock=runtime().clock,
        unread=entries.unread,
    )
    return _saved(campaign_id, "drafts.terms")


@blueprint.get("/<campaign_id>/terms")
@requires(EDIT_CAMPAIGN)
def terms(campaign_id: str) -> ResponseReturnValue:
    """Edit what people will pledge on."""
    return _step("terms", campaign_id)


@blueprint.post("/<campaign_id>/terms")
@requires(EDIT_CAMPAIGN)
@shown_again_by(terms)
def save_terms(campaign_id: str) -> ResponseReturnValue:
    """Save what people will pledge on."""
    known = queries.get_own_campaign(campaign_id, user=this_user(), permission=EDIT_CAMPAIGN)
    edit.edit_terms(
        campaign_id,
        terms=read_campaign_terms(known.currency, has_collection=True),
        actor=this_user(),
        rules=runtime().settings.of(Rules),
    )
    return _saved(campaign_id, "drafts.costs")


@blueprint.get("/<campaign_id>/costs")
@requires(EDIT_CAMPAIGN)
def costs(campaign_id: str) -> ResponseReturnValue:
    """Edit what the goal pays for."""
    return _step("costs", campaign_id)


@blueprint.post("/<campaign_id>/costs")
@requires(EDIT_CAMPAIGN)
@shown_again_by(costs)
def save_costs(campaign_id: str) -> ResponseReturnValue:
    """Save what the goal pays for, or give more rows to fill."""
    known = queries.get_own_campaign(campaign_id, user=this_user(), permission=EDIT_CAMPAIGN)
    if "more" in request.form:
        g.form_errors = {}
        return costs(campaign_id)
    edit.set_cost_lines(campaign_id, lines=read_cost_lines(known.currency), actor=this_user())
    return _saved(campaign_id, "drafts.rewards")


@blueprint.get("/<campaign_id>/rewards")
@requires(EDIT_CAMPAIGN)
def rewards(campaign_id: str) -> ResponseReturnValue:
    """List the rewards."""
    return _step("rewards", campaign_id)


@blueprint.get("/<campaign_id>/rewards/new")
@requires(EDIT_CAMPAIGN)
def reward_new(campaign_id: str) -> ResponseReturnValue:
    """Ask for one more reward."""
    return _reward_page(campaign_id, None)


@blueprint.post("/<campaign_id>/rewards/new")
@requires(EDIT_CAMPAIGN)
@shown_again_by(reward_new)
def add_reward(campaign_id: str) -> ResponseReturnValue:
    """Add a reward."""
    known = queries.get_own_campaign(campaign_id, user=this_user(), permission=EDIT_CAMPAIGN)
    edit.add_reward(
        campaign_id,
        reward=read_reward(known.currency),
        actor=this_user(),
        clock=runtime().clock,
    )
    return _to("drafts.rewards", campaign_id)


@blueprint.get("/<campaign_id>/rewards/<reward_id>")
@requires(EDIT_CAMPAIGN)
def reward(campaign_id: str, reward_id: str) -> ResponseReturnValue:
    """Edit a reward."""
    return _reward_page(campaign_id, reward_id)


@blueprint.post("/<campaign_id>/rewards/<reward_id>")
@requires(EDIT_CAMPAIGN)
@shown_again_by(reward)
def save_reward(campaign_id: str, reward_id: str) -> ResponseReturnValue:
    """Save a reward."""
    known = queries.get_own_campaign(campaign_id, user=this_user(), permission=EDIT_CAMPAIGN)
    edit.edit_reward(campaign_id, reward_id, reward=read_reward(known.currency), actor=this_user())
    return _to("drafts.rewards", campaign_id)


@blueprint.post("/<campaign_id>/rewards/<reward_id>/remove")
@requires(EDIT_CAMPAIGN)
def remove_reward(campaign_id: str, reward_id: str) -> ResponseReturnValue:
    """Take a reward back."""
    edit.remove_reward(campaign_id, reward_id, actor=this_user())
    return _to("drafts.rewards", campaign_id)


@blueprint.post("/<campaign_id>/delete")
@requires(EDIT_CAMPAIGN)
def delete(campaign_id: str) -> ResponseReturnValue:
    """Throw a draft away."""
    edit.delete_draft(campaign_id, actor=this_user(), clock=runtime().clock)
    flash_message(_("The draft is deleted."), "note")
    return redirect(url_for("owner.index"), 303)


def _step(step: str, campaign_id: str) -> ResponseReturnValue:
    campaign = queries.get_own_campaign(campaign_id, user=this_user(), permission=EDIT_CAMPAIGN)
    terms = bound_payments().view_terms(campaign)
    rows = _cost_rows(campaign)
    return render_template(
        f"campaigns/draft_{step}.html",
        campaign=campaign,
        missing=review.find_missing(campaign),
        categories=category_choices(),
        category_name=category_name,
        collections=collection_choices(terms.repair_days),
        collection_name=collection_name,
        time_zones=[(zone, zone) for zone in TIME_ZONES],
        rules=runtime().settings.of(Rules),
        platform_fee_rate=terms.platform_fee_rate,
        rows=rows,
        left_amount=campaign.goal_amount - _sum_of(rows, campaign.currency),
    )


def _cost_rows(campaign: Campaign) -> list[tuple[str, str | int | None]]:
    """Return the rows of the cost table: those typed in a refused form, else those kept."""
    if "form_errors" in g and "label" in request.form:
        filled = cost_rows_entered()
        empty = len(request.form.getlist("label")) - len(filled) if "more" in request.form else 0
        return [*filled, *[("", "")] * (empty + SPARE_ROWS)]
    kept = [(line.label, line.amount) for line in campaign.cost_lines]
    return [*kept, *[("", None)] * SPARE_ROWS]


def _sum_of(rows: list[tuple[str, str | int | None]], currency: str) -> int:
    """Add up the amounts that stand in the rows; what cannot be read counts for nothing yet."""
    amounts = (amount for _label, amount in rows)
    return sum(amount if isinstance(amount, int) else _read(amount, currency) for amount in amounts)


def _read(amount: str | None, currency: str) -> int:
    try:
        return parse_amount(amount or "", currency)
    except InvalidError:
        return 0


def _reward_page(campaign_id: str, reward_id: str | None) -> ResponseReturnValue:
    campaign = queries.get_own_campaign(campaign_id, user=this_user(), permission=EDIT_CAMPAIGN)
    known = next((r for r in campaign.rewards if r.public_id == reward_id), None)
    return render_template("campaigns/draft_reward.html", campaign=campaign, reward=known)


def _saved(campaign_id: str, next_step: str) -> ResponseReturnValue:
    if "stay" in request.form:
        return _to("owner.show", campaign_id)
    return _to(next_step, campaign_id)


def _to(endpoint: str, campaign_id: str) -> ResponseReturnValue:
    return redirect(url_for(endpoint, campaign_id=campaign_id), 303)
