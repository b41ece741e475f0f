"""What anybody may read of campaigns."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from campaigns import queries
from campaigns.models import Campaign, Pledge, Reward, Supporter
from campaigns.pledges import queries as pledge_queries
from campaigns.ports import CollectingView, bound_payments
from campaigns.schemas.answers import (
    BackerSchema,
    CampaignSchema,
    CampaignSummarySchema,
    CollectingSchema,
    RewardSchema,
    SupporterSchema,
)
from campaigns.schemas.bodies import CampaignSearchSchema
from octo.accounts.current_user import this_user_or_none
from octo.errors import N_
from octo.paging import Page, Window
from octo.web.permissions import public
from octo.web.routes import ApiBlueprint

api = ApiBlueprint(
    N_("Campaigns"),
    __name__,
    description=N_("Search campaigns and read them, their rewards and who stands behind them."),
)


@api.get("/campaigns")
@public
@api.arguments(CampaignSearchSchema, location="query")
@api.paged(CampaignSummarySchema)
def list_campaigns(search: dict[str, Any], window: Window) -> Page[Campaign]:
    """Search public campaigns: those that run come first."""
    found = queries.browse_campaigns(
        words=search["q"],
        category=search["category"],
        stage=search["stage"],
        page=window.page,
        page_size=window.size,
    )
    if window.page > found.pages_count:
        return Page([], window.page, None)
    is_last = window.page == found.pages_count
    return Page(found.campaigns, window.page, None if is_last else window.page + 1)


@api.get("/campaigns/<campaign_id>")
@public
@api.response(HTTPStatus.OK, CampaignSchema)
def get_campaign(campaign_id: str) -> Campaign:
    """Read a campaign; one that is not public yet is there for those who run it alone."""
    return _get(campaign_id)


@api.get("/campaigns/<campaign_id>/rewards")
@public
@api.response(HTTPStatus.OK, RewardSchema(many=True))
def list_rewards(campaign_id: str) -> Sequence[Reward]:
    """Read the rewards of a campaign, at most thirty, and how many are left of each."""
    return _get(campaign_id).rewards


@api.get("/campaigns/<campaign_id>/collecting")
@public
@api.response(HTTPStatus.OK, CollectingSchema)
def get_collecting(campaign_id: str) -> CollectingView:
    """Read how far the charging of saved cards has come, for a campaign that saves them."""
    return bound_payments().view_collecting(_get(campaign_id).id)


@api.get("/campaigns/<campaign_id>/backers")
@public
@api.paged(BackerSchema)
def list_backers(window: Window, campaign_id: str) -> Page[Pledge]:
    """List the backers of a campaign who want to be seen, the latest first."""
    return pledge_queries.list_backers(_get(campaign_id), window=window)


@api.get("/campaigns/<campaign_id>/supporters")
@public
@api.paged(SupporterSchema)
def list_supporters(window: Window, campaign_id: str) -> Page[Supporter]:
    """List who stands behind the launch of a campaign."""
    return window.cut(queries.list_supporters(_get(campaign_id), window=window))


def _get(campaign_id: str) -> Campaign:
    return queries.get_campaign(user=this_user_or_none(), public_id=campaign_id)
