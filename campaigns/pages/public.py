"""The pages anybody reads: home, browse, a campaign, and the feed of new ones."""

from typing import Any, Final

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from campaigns import queries
from campaigns.deadline.outage import find_outage_extension
from campaigns.models import Category
from campaigns.pages.labels import category_choices, category_name, stage_choices
from campaigns.pages.shares import say_rates
from campaigns.permissions import SEE_OWN_CAMPAIGN
from campaigns.pledges import queries as pledge_queries
from campaigns.policy.pledges import takes_pledges
from campaigns.ports import collecting_of
from campaigns.queries import Stage
from campaigns.settings import Rules
from octo.accounts.current_user import this_user_or_none
from octo.paging import Window
from octo.permissions import may
from octo.runtime import runtime
from octo.search import LONGEST_SEARCH
from octo.web.navigation import asked_page
from octo.web.permissions import public

BACKERS_SHOWN: Final = 24

blueprint = Blueprint("campaigns", __name__)


@blueprint.get("/")
@public
def home() -> ResponseReturnValue:
    """Show what runs now and what all of it came to."""
    currency = runtime().settings.currency
    return render_template(
        "campaigns/home.html",
        home=queries.list_home(),
        platform=queries.sum_platform(currency),
        currency=currency,
        now=runtime().clock.now(),
    )


@blueprint.get("/campaigns")
@public
def browse() -> ResponseReturnValue:
    """Search and filter campaigns, a page at a time."""
    words = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    category = _known(Category, request.args.get("category"))
    stage = _known(Stage, request.args.get("stage"))
    result = queries.browse_campaigns(
        words=words,
        category=category,
        stage=stage,
        page=asked_page(),
    )
    return render_template(
        "campaigns/browse.html",
        result=result,
        words=words,
        category=category.value if category else "",
        stage=stage.value if stage else "",
        categories=category_choices(),
        stages=stage_choices(),
        now=runtime().clock.now(),
    )


@blueprint.get("/campaigns/<slug>")
@public
def show(slug: str) -> ResponseReturnValue:
    """Show a campaign; its owner sees it before anybody else does."""
    user = this_user_or_none()
    campaign = queries.get_campaign(user=user, slug=slug)
    now = runtime().clock.now()
    return render_template(
        "campaigns/campaign.html",
        campaign=campaign,
        backers=pledge_queries.list_backers(campaign, window=Window(size=BACKERS_SHOWN)),
        supporters=queries.list_supporters(campaign),
        supporters_needed=runtime().settings.of(Rules).supporters_needed,
        category_name=category_name,
        outage_extension=find_outage_extension(campaign),
        can_pledge=takes_pledges(campaign.status, deadline_at=campaign.deadline_at, at=now),
        is_owner=user is not None and may(SEE_OWN_CAMPAIGN, user, campaign),
        is_preview=not campaign.is_public,
        collecting=collecting_of(campaign),
        rates=say_rates(campaign) if campaign.outcome is None else "",
        now=now,
    )


@blueprint.get("/campaigns/<slug>/backers")
@public
def backers(slug: str) -> ResponseReturnValue:
    """List everybody who backs a campaign and wants to be seen, the latest first."""
    campaign = queries.get_campaign(user=this_user_or_none(), slug=slug)
    return render_template(
        "campaigns/backers.html",
        campaign=campaign,
        backers=pledge_queries.list_backers(campaign, window=Window(asked_page())),
    )


@blueprint.get("/campaigns.atom")
@public
def feed() -> Response:
    """Give the campaigns that run now to feed readers."""
    result = queries.browse_campaigns(stage=Stage.LIVE, page_size=50)
    page = render_template(
        "campaigns/feed.xml", campaigns=result.campaigns, base_url=runtime().settings.base_url
    )
    response = make_response(page)
    response.content_type = "application/atom+xml; charset=utf-8"
    return response


def _known(kind: type[Category] | type[Stage], written: str | None) -> Any:
    return kind(written) if written in {member.value for member in kind} else None
