"""Writing a campaign in the API: text, terms, cover, costs, rewards."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from campaigns import queries
from campaigns.drafts import edit
from campaigns.drafts.write import CampaignTerms, CampaignText, CostLineDraft, RewardDraft
from campaigns.models import Campaign, Reward
from campaigns.permissions import EDIT_CAMPAIGN
from campaigns.policy.drafts import NotEditableError
from campaigns.schemas.answers import CampaignSchema, RewardSchema
from campaigns.schemas.bodies import (
    CampaignCreateSchema,
    CampaignEditSchema,
    CostLinesSchema,
    CoverSchema,
    RewardCreateSchema,
)
from campaigns.settings import Rules
from octo.accounts.current_user import this_user
from octo.content.feature import storage
from octo.content.images import BadImageError, keep_image
from octo.errors import N_, ForbiddenError
from octo.runtime import runtime
from octo.web.permissions import requires
from octo.web.routes import ApiBlueprint

api = ApiBlueprint(
    N_("Drafts"),
    __name__,
    description=N_("Write a campaign for an organisation you belong to, until it is submitted."),
)
_TEXT = ("title", "summary", "story", "place", "cover_description")
_TERMS = ("category", "goal_amount", "duration_days", "time_zone", "collection")


@api.post("/campaigns")
@requires(EDIT_CAMPAIGN)
@api.refuses(ForbiddenError)
@api.arguments(
    CampaignCreateSchema,
    example={
        "organisation": "org_5r6t7y8u9i0o1p2a3s4d",
        "title": "Les Ciseaux voyageurs",
        "summary": "Un salon de coiffure qui va de bourg en bourg.",
        "category": "solidarity",
        "place": "Brasparts",
        "goal_amount": 480000,
        "duration_days": 40,
    },
)
@api.response(HTTPStatus.CREATED, CampaignSchema)
def create_campaign(body: dict[str, Any]) -> Campaign:
    """Begin a draft for an organisation you belong to."""
    settings = runtime().settings
    campaign = edit.draft_campaign(
        organisation_id=body["organisation"],
        text=CampaignText(**{name: body[name] for name in _TEXT if name in body}),
        terms=CampaignTerms(
            category=body["category"],
            goal_amount=body["goal_amount"],
            currency=body.get("currency", settings.currency),
            duration_days=body["duration_days"],
            time_zone=body.get("time_zone", settings.time_zone),
            collection=body["collection"],
        ),
        actor=this_user(),
        clock=runtime().clock,
        rules=settings.of(Rules),
    )
    return _own(campaign.public_id)


@api.patch("/campaigns/<campaign_id>")
@requires(EDIT_CAMPAIGN)
@api.refuses(NotEditableError)
@api.arguments(CampaignEditSchema)
@api.response(HTTPStatus.OK, CampaignSchema)
def edit_campaign(body: dict[str, Any], campaign_id: str) -> Campaign:
    """Change a campaign you run; what is not sent stays.

    Its terms (category, goal_amount, duration_days, time_zone, collection) change only while
    it is a draft; its text also while it gathers supporters or runs, on the record.
    """
    known = _own(campaign_id)
    text = CampaignText(**{name: getattr(known, name) for name in _TEXT})
    terms = CampaignTerms(
        currency=known.currency,
        **{name: getattr(known, name) for name in _TERMS},
    )
    new_terms = replace(terms, **{name: body[name] for name in _TERMS if name in body})
    edit.edit_campaign(
        campaign_id,
        text=replace(text, **{name: body[name] for name in _TEXT if name in body}),
        terms=new_terms if new_terms != terms else None,
        actor=this_user(),
        clock=runtime().clock,
        rules=runtime().settings.of(Rules),
    )
    return _own(campaign_id)


@api.delete("/campaigns/<campaign_id>")
@requires(EDIT_CAMPAIGN)
@api.refuses(NotEditableError)
@api.response(HTTPStatus.NO_CONTENT)
def delete_campaign(campaign_id: str) -> None:
    """Throw a draft away; one that has been submitted is kept."""
    edit.delete_draft(campaign_id, actor=this_user(), clock=runtime().clock)


@api.put("/campaigns/<campaign_id>/cover")
@requires(EDIT_CAMPAIGN)
@api.refuses(NotEditableError, BadImageError)
@api.arguments(CoverSchema, location="multipart")
@api.response(HTTPStatus.OK, CampaignSchema)
def set_cover(body: dict[str, Any], campaign_id: str) -> Campaign:
    """Send the cover picture, as multipart/form-data, or describe the one there anew.

    It is made anew from its pixels: nothing else of the file is kept, where it was taken
    neither.
    """
    _own(campaign_id)
    sent = body.get("cover")
    edit.set_cover(
        campaign_id,
        cover=keep_image(sent.read(), storage()) if sent else None,
        description=body["description"],
        actor=this_user(),
        clock=runtime().clock,
    )
    return _own(campaign_id)


@api.put("/campaigns/<campaign_id>/cost-lines")
@requires(EDIT_CAMPAIGN)
@api.refuses(NotEditableError)
@api.arguments(
    CostLinesSchema,
    example={"cost_lines": [{"label": "La camionnette", "amount": 480000}]},
)
@api.response(HTTPStatus.OK, CampaignSchema)
def set_cost_lines(body: dict[str, Any], campaign_id: str) -> Campaign:
    """Write what the goal pays for, whole."""
    lines = [CostLineDraft(**line) for line in body["cost_lines"]]
    edit.set_cost_lines(campaign_id, lines=lines, actor=this_user())
    return _own(campaign_id)


@api.post("/campaigns/<campaign_id>/rewards")
@requires(EDIT_CAMPAIGN)
@api.refuses(NotEditableError)
@api.arguments(
    RewardCreateSchema,
    example={
        "title": "Une coupe",
        "minimum_amount": 3500,
        "stock": 40,
        "delivery_on": "2027-04-01",
    },
)
@api.response(HTTPStatus.CREATED, RewardSchema)
def add_reward(body: dict[str, Any], campaign_id: str) -> Reward:
    """Add a reward, also while the campaign gathers supporters or runs."""
    return edit.add_reward(
        campaign_id, reward=RewardDraft(**body), actor=this_user(), clock=runtime().clock
    )


@api.put("/campaigns/<campaign_id>/rewards/<reward_id>")
@requires(EDIT_CAMPAIGN)
@api.refuses(NotEditableError)
@api.arguments(RewardCreateSchema)
@api.response(HTTPStatus.OK, RewardSchema)
def edit_reward(body: dict[str, Any], campaign_id: str, reward_id: str) -> Reward:
    """Write a reward anew, while the campaign is a draft."""
    return edit.edit_reward(campaign_id, reward_id, reward=RewardDraft(**body), actor=this_user())


@api.delete("/campaigns/<campaign_id>/rewards/<reward_id>")
@requires(EDIT_CAMPAIGN)
@api.refuses(NotEditableError)
@api.response(HTTPStatus.NO_CONTENT)
def remove_reward(campaign_id: str, reward_id: str) -> None:
    """Take a reward back, while the campaign is a draft."""
    edit.remove_reward(campaign_id, reward_id, actor=this_user())


def _own(campaign_id: str) -> Campaign:
    return queries.get_own_campaign(campaign_id, user=this_user(), permission=EDIT_CAMPAIGN)
