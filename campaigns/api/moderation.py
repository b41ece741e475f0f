"""Reviewing campaigns in the API."""

from http import HTTPStatus
from typing import Any

from campaigns import queries
from campaigns.deadline.outage import extend_for_outage, may_extend_for_outage
from campaigns.models import Campaign
from campaigns.models.campaign import IllegalMoveError
from campaigns.permissions import DECIDE_CAMPAIGN, MODERATE_CAMPAIGNS
from campaigns.policy.launch import CannotExtendError
from campaigns.policy.review import acts_for
from campaigns.review import review
from campaigns.review.decisions import act_on_campaign
from campaigns.schemas.answers import CampaignSummarySchema, ReviewSchema
from campaigns.schemas.bodies import DecisionSchema, OutageExtensionSchema
from campaigns.settings import Rules
from octo.accounts.current_user import this_user
from octo.accounts.schemas import ActSchema
from octo.accounts.trail import AuditEntry
from octo.errors import N_
from octo.paging import Page, Window
from octo.permissions import may
from octo.runtime import runtime
from octo.web.permissions import requires
from octo.web.routes import ApiBlueprint

api = ApiBlueprint(
    N_("Moderation"),
    __name__,
    description=N_("For moderators: what waits, what runs, and every decision on the record."),
)


@api.get("/moderation/queue")
@requires(MODERATE_CAMPAIGNS)
@api.paged(CampaignSummarySchema)
def list_queue(window: Window) -> Page[Campaign]:
    """List what waits for a moderator, the oldest submission first."""
    return window.cut(queries.list_to_review(window=window))


@api.get("/moderation/watched")
@requires(MODERATE_CAMPAIGNS)
@api.paged(CampaignSummarySchema)
def list_watched(window: Window) -> Page[Campaign]:
    """List the campaigns that gather, run or are suspended."""
    return window.cut(queries.list_watched(window=window))


@api.get("/moderation/campaigns/<campaign_id>")
@requires(MODERATE_CAMPAIGNS)
@api.response(HTTPStatus.OK, ReviewSchema)
def get_review(campaign_id: str) -> dict[str, object]:
    """Read a campaign whole, whatever its status, and what may be decided about it."""
    return _review_of(campaign_id)


@api.post("/moderation/campaigns/<campaign_id>/decisions")
@requires(DECIDE_CAMPAIGN)
@api.refuses(IllegalMoveError)
@api.arguments(
    DecisionSchema,
    example={"act": "request_changes", "reason": "Dites où ira la camionnette."},
)
@api.response(HTTPStatus.OK, ReviewSchema)
def decide(body: dict[str, Any], campaign_id: str) -> dict[str, object]:
    """Decide about a campaign; the owner is told, the trail keeps who, when and why.

    Approve, request changes or reject what was submitted; suspend what runs, resume or cancel
    what is suspended.
    """
    act_on_campaign(
        campaign_id,
        act=body["act"],
        reason=body["reason"],
        actor=this_user(),
        clock=runtime().clock,
        rules=runtime().settings.of(Rules),
    )
    return _review_of(campaign_id)


@api.post("/moderation/campaigns/<campaign_id>/extension")
@requires(DECIDE_CAMPAIGN)
@api.refuses(CannotExtendError)
@api.arguments(
    OutageExtensionSchema,
    example={"until": "2026-12-03T20:00:00+01:00", "reason": "Stripe n'a pas répondu."},
)
@api.response(HTTPStatus.OK, ReviewSchema)
def extend_campaign_for_outage(body: dict[str, Any], campaign_id: str) -> dict[str, object]:
    """Give a campaign the time that an outage took from it, on the record.

    Until the verdict falls, within the hours that the platform's rules allow; the owner's own
    extension stays.
    """
    extend_for_outage(
        campaign_id,
        until=body["until"],
        reason=body["reason"],
        actor=this_user(),
        clock=runtime().clock,
        rules=runtime().settings.of(Rules),
    )
    return _review_of(campaign_id)


@api.get("/moderation/campaigns/<campaign_id>/trail")
@requires(MODERATE_CAMPAIGNS)
@api.paged(ActSchema)
def read_campaign_trail(window: Window, campaign_id: str) -> Page[AuditEntry]:
    """Read what was done to a campaign, the oldest act first."""
    campaign = queries.get_any_campaign(public_id=campaign_id)
    return window.cut(queries.list_audit(campaign.public_id, window=window))


def _review_of(campaign_id: str) -> dict[str, object]:
    campaign = queries.get_any_campaign(public_id=campaign_id)
    may_decide = may(DECIDE_CAMPAIGN, this_user(), campaign)
    return {
        "campaign": campaign,
        "missing": review.find_missing(campaign),
        "acts": acts_for(campaign.status) if may_decide else (),
        "may_extend": may_decide and may_extend_for_outage(campaign),
        "supporters": queries.list_supporters(campaign),
    }
