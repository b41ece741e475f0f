"""Campaigns and pledges in the API: what the pages do, through the same services."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import url_for
from flask_smorest import Blueprint

from campaigns import queries
from campaigns.models import Campaign, Pledge, Reward
from campaigns.ports import bound_payments
from campaigns.queries import CampaignPage
from campaigns.schemas import (
    CampaignCreateSchema,
    CampaignEditSchema,
    CampaignPageSchema,
    CampaignSchema,
    CampaignSearchSchema,
    CostLinesSchema,
    IdempotencySchema,
    PledgeCreateSchema,
    PledgePlacedSchema,
    PledgeSchema,
    RewardCreateSchema,
    RewardSchema,
)
from campaigns.services import drafting, pledging, review
from campaigns.services.pledging import PledgeWish
from campaigns.services.writing import CampaignTerms, CampaignText, CostLineDraft, RewardDraft
from campaigns.visitor import CHECKOUTS_PER_ADDRESS, this_user, this_user_or_none
from octo.runtime import runtime
from octo.users.limits import limiter
from octo.web.language import current_language
from octo.web.permissions import public, signed_in

api = Blueprint(
    "campaigns_api",
    __name__,
    url_prefix="/api/v1",
    description="Campaigns, their rewards, and pledges. Amounts are in minor units.",
)
_TEXT = ("title", "summary", "story", "place", "cover_description")
_TERMS = ("category", "goal_amount", "duration_days", "time_zone")


@api.get("/campaigns")
@public
@api.arguments(CampaignSearchSchema, location="query")
@api.response(HTTPStatus.OK, CampaignPageSchema)
def list_campaigns(search: dict[str, Any]) -> CampaignPage:
    """Search public campaigns."""
    return queries.browse_campaigns(
        words=search["q"],
        category=search["category"],
        stage=search["stage"],
        page=search["page"],
    )


@api.get("/campaigns/<campaign_id>")
@public
@api.response(HTTPStatus.OK, CampaignSchema)
def get_campaign(campaign_id: str) -> Campaign:
    """Read a campaign; one not public is there for its owners alone."""
    return queries.get_campaign(user=this_user_or_none(), public_id=campaign_id)


@api.get("/campaigns/<campaign_id>/rewards")
@public
@api.response(HTTPStatus.OK, RewardSchema(many=True))
def list_rewards(campaign_id: str) -> Sequence[Reward]:
    """Read the rewards of a campaign and how many are left."""
    return queries.get_campaign(user=this_user_or_none(), public_id=campaign_id).rewards


@api.get("/me/campaigns")
@signed_in
@api.response(HTTPStatus.OK, CampaignSchema(many=True))
def list_own_campaigns() -> Sequence[Campaign]:
    """Read the campaigns you run."""
    return queries.list_own_campaigns(this_user())


@api.post("/campaigns")
@signed_in
@api.arguments(CampaignCreateSchema)
@api.response(HTTPStatus.CREATED, CampaignSchema)
def create_campaign(body: dict[str, Any]) -> Campaign:
    """Begin a draft for an organisation you belong to."""
    rules = runtime().settings.rules
    campaign = drafting.draft_campaign(
        organisation_id=body["organisation"],
        text=CampaignText(**{name: body[name] for name in _TEXT if name in body}),
        terms=CampaignTerms(
            category=body["category"],
            goal_amount=body["goal_amount"],
            currency=body.get("currency", rules.currency),
            duration_days=body["duration_days"],
            time_zone=body.get("time_zone", rules.time_zone),
            collection=body["collection"],
        ),
        actor=this_user(),
        clock=runtime().clock,
        rules=rules,
    )
    return queries.get_own_campaign(campaign.public_id, user=this_user())


@api.patch("/campaigns/<campaign_id>")
@signed_in
@api.arguments(CampaignEditSchema)
@api.response(HTTPStatus.OK, CampaignSchema)
def edit_campaign(body: dict[str, Any], campaign_id: str) -> Campaign:
    """Change a campaign you run; its terms only while it is a draft."""
    known = queries.get_own_campaign(campaign_id, user=this_user())
    text = CampaignText(**{name: getattr(known, name) for name in _TEXT})
    terms = CampaignTerms(
        currency=known.currency,
        collection=known.collection,
        **{name: getattr(known, name) for name in _TERMS},
    )
    new_terms = replace(terms, **{name: body[name] for name in _TERMS if name in body})
    drafting.edit_campaign(
        campaign_id,
        text=replace(text, **{name: body[name] for name in _TEXT if name in body}),
        terms=new_terms if new_terms != terms else None,
        actor=this_user(),
        clock=runtime().clock,
        rules=runtime().settings.rules,
    )
    return queries.get_own_campaign(campaign_id, user=this_user())


@api.put("/campaigns/<campaign_id>/cost-lines")
@signed_in
@api.arguments(CostLinesSchema)
@api.response(HTTPStatus.OK, CampaignSchema)
def set_cost_lines(body: dict[str, Any], campaign_id: str) -> Campaign:
    """Write what the goal pays for, whole."""
    lines = [CostLineDraft(**line) for line in body["cost_lines"]]
    drafting.set_cost_lines(campaign_id, lines=lines, actor=this_user())
    return queries.get_own_campaign(campaign_id, user=this_user())


@api.post("/campaigns/<campaign_id>/rewards")
@signed_in
@api.arguments(RewardCreateSchema)
@api.response(HTTPStatus.CREATED, RewardSchema)
def add_reward(body: dict[str, Any], campaign_id: str) -> Reward:
    """Add a reward to a campaign you run."""
    return drafting.add_reward(
        campaign_id, reward=RewardDraft(**body), actor=this_user(), clock=runtime().clock
    )


@api.post("/campaigns/<campaign_id>/submission")
@signed_in
@api.response(HTTPStatus.OK, CampaignSchema)
def submit_campaign(campaign_id: str) -> Campaign:
    """Ask for the review of a draft you run."""
    review.submit_campaign(campaign_id, actor=this_user(), clock=runtime().clock)
    return queries.get_own_campaign(campaign_id, user=this_user())


@api.post("/campaigns/<campaign_id>/pledges")
@public
@limiter.limit(CHECKOUTS_PER_ADDRESS)
@api.arguments(IdempotencySchema, location="headers")
@api.arguments(PledgeCreateSchema)
@api.response(HTTPStatus.CREATED, PledgePlacedSchema)
def place_pledge(
    headers: dict[str, Any], body: dict[str, Any], campaign_id: str
) -> dict[str, object]:
    """Pledge, and get the address of the page to pay on."""
    user = this_user_or_none()
    placed = pledging.place_pledge(
        campaign_id,
        PledgeWish(
            amount=body["amount"],
            reward_id=body["reward"],
            tip_amount=body["tip_amount"],
            email=user.email if user else body["email"] or "",
            user_id=user.id if user else None,
            name=body["name"],
            visibility=body["visibility"],
            message=body["message"],
            address=body["address"] or {},
            locale=current_language(),
            request_key=headers["idempotency_key"],
        ),
        clock=runtime().clock,
        rules=runtime().settings.rules,
    )
    receipt_url = runtime().settings.base_url + url_for("pledges.receipt", token=placed.token)
    page = bound_payments().start_checkout(
        placed.pledge.public_id, return_url=receipt_url, cancel_url=receipt_url
    )
    return {
        "pledge": placed.pledge,
        "checkout_url": page.url,
        "receipt_url": receipt_url,
        "expires_at": page.expires_at,
    }


@api.get("/me/pledges")
@signed_in
@api.response(HTTPStatus.OK, PledgeSchema(many=True))
def list_own_pledges() -> Sequence[Pledge]:
    """Read your pledges, the latest first."""
    return queries.list_own_pledges(this_user())


@api.get("/me/pledges/<pledge_id>")
@signed_in
@api.response(HTTPStatus.OK, PledgeSchema)
def get_own_pledge(pledge_id: str) -> Pledge:
    """Read one of your pledges."""
    return queries.get_own_pledge(pledge_id, user=this_user())


@api.post("/me/pledges/<pledge_id>/cancellation")
@signed_in
@api.response(HTTPStatus.OK, PledgeSchema)
def cancel_own_pledge(pledge_id: str) -> Pledge:
    """Cancel one of your pledges, by the rules."""
    known = queries.get_own_pledge(pledge_id, user=this_user())
    pledging.cancel_pledge(
        known.public_id,
        clock=runtime().clock,
        payments=bound_payments(),
        rules=runtime().settings.rules,
    )
    return queries.get_own_pledge(pledge_id, user=this_user())
