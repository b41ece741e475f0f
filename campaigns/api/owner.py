"""Running a campaign in the API: from its submission to its end."""

from http import HTTPStatus

from flask import url_for

from campaigns import queries
from campaigns.launch import cancel, extend, launch, onboarding
from campaigns.models import Campaign, Pledge
from campaigns.models.campaign import IllegalMoveError
from campaigns.permissions import READ_PLEDGES, REGISTER_OWNER, RUN_CAMPAIGN, SEE_OWN_CAMPAIGN
from campaigns.pledges import queries as pledge_queries
from campaigns.policy.launch import CannotExtendError, CannotLaunchError
from campaigns.policy.review import IncompleteError
from campaigns.ports import PaymentsAwayError, bound_payments
from campaigns.review import review
from campaigns.schemas.answers import (
    CampaignSummarySchema,
    OnboardingSchema,
    OwnCampaignSchema,
    ReceivedPledgeSchema,
)
from campaigns.schemas.bodies import ExtensionSchema, ReasonSchema
from campaigns.settings import Rules
from octo.accounts.current_user import this_user
from octo.accounts.schemas import ActSchema
from octo.accounts.trail import AuditEntry
from octo.errors import N_
from octo.paging import Page, Window
from octo.runtime import runtime
from octo.web.permissions import requires, signed_in
from octo.web.routes import ApiBlueprint

api = ApiBlueprint(
    N_("Running a campaign"),
    __name__,
    description=N_("Submit a campaign you run, launch it, follow its pledges, end it."),
)


@api.get("/me/campaigns")
@signed_in
@api.paged(CampaignSummarySchema)
def list_own_campaigns(window: Window) -> Page[Campaign]:
    """List the campaigns you run, the newest first."""
    return window.cut(queries.list_own_campaigns(this_user(), window=window))


@api.get("/campaigns/<campaign_id>/standing")
@requires(SEE_OWN_CAMPAIGN)
@api.response(HTTPStatus.OK, OwnCampaignSchema)
def get_own_campaign(campaign_id: str) -> dict[str, object]:
    """Read where a campaign you run stands: what is missing, what was asked, who is ready."""
    return _describe(campaign_id)


@api.post("/campaigns/<campaign_id>/submission")
@requires(RUN_CAMPAIGN)
@api.refuses(IncompleteError, IllegalMoveError)
@api.response(HTTPStatus.OK, OwnCampaignSchema)
def submit_campaign(campaign_id: str) -> dict[str, object]:
    """Ask for the review of a draft."""
    review.submit_campaign(campaign_id, actor=this_user(), clock=runtime().clock)
    return _describe(campaign_id)


@api.post("/campaigns/<campaign_id>/withdrawal")
@requires(RUN_CAMPAIGN)
@api.refuses(IllegalMoveError)
@api.response(HTTPStatus.OK, OwnCampaignSchema)
def withdraw_campaign(campaign_id: str) -> dict[str, object]:
    """Take a campaign back to draft before its launch, to change what the review froze."""
    review.withdraw_campaign(campaign_id, actor=this_user(), clock=runtime().clock)
    return _describe(campaign_id)


@api.post("/campaigns/<campaign_id>/onboarding")
@requires(REGISTER_OWNER)
@api.refuses(PaymentsAwayError)
@api.response(HTTPStatus.OK, OnboardingSchema)
def begin_onboarding(campaign_id: str) -> dict[str, str]:
    """Get the address of Stripe's registration of the organisation, to be paid by it."""
    base_url = runtime().settings.base_url
    url = onboarding.begin_onboarding(
        campaign_id,
        actor=this_user(),
        payments=bound_payments(),
        return_url=base_url + url_for("owner.onboarded", campaign_id=campaign_id),
        refresh_url=base_url + url_for("owner.show", campaign_id=campaign_id),
    )
    return {"url": url}


@api.post("/campaigns/<campaign_id>/onboarding/check")
@requires(REGISTER_OWNER)
@api.refuses(PaymentsAwayError)
@api.response(HTTPStatus.OK, OwnCampaignSchema)
def check_onboarding(campaign_id: str) -> dict[str, object]:
    """Ask Stripe whether the organisation can be paid now."""
    onboarding.refresh_owner(campaign_id, actor=this_user(), payments=bound_payments())
    return _describe(campaign_id)


@api.post("/campaigns/<campaign_id>/launch")
@requires(RUN_CAMPAIGN)
@api.refuses(CannotLaunchError, IllegalMoveError)
@api.response(HTTPStatus.OK, OwnCampaignSchema)
def launch_campaign(campaign_id: str) -> dict[str, object]:
    """Open a campaign to pledges: its goal and its currency are frozen from now on."""
    launch.launch_campaign(
        campaign_id,
        actor=this_user(),
        clock=runtime().clock,
        payments=bound_payments(),
        rules=runtime().settings.of(Rules),
    )
    return _describe(campaign_id)


@api.post("/campaigns/<campaign_id>/extension")
@requires(RUN_CAMPAIGN)
@api.refuses(CannotExtendError)
@api.arguments(ExtensionSchema)
@api.response(HTTPStatus.OK, OwnCampaignSchema)
def extend_campaign(body: dict[str, int], campaign_id: str) -> dict[str, object]:
    """Move the deadline, once, before it comes and while the goal is not reached."""
    extend.extend_campaign(
        campaign_id,
        days=body["days"],
        actor=this_user(),
        clock=runtime().clock,
        rules=runtime().settings.of(Rules),
    )
    return _describe(campaign_id)


@api.post("/campaigns/<campaign_id>/cancellation")
@requires(RUN_CAMPAIGN)
@api.refuses(IllegalMoveError)
@api.arguments(ReasonSchema)
@api.response(HTTPStatus.OK, OwnCampaignSchema)
def cancel_campaign(body: dict[str, str], campaign_id: str) -> dict[str, object]:
    """Call a running campaign off; every backer gets the money back."""
    cancel.cancel_own_campaign(
        campaign_id, reason=body["reason"], actor=this_user(), clock=runtime().clock
    )
    return _describe(campaign_id)


@api.get("/campaigns/<campaign_id>/pledges")
@requires(READ_PLEDGES)
@api.paged(ReceivedPledgeSchema)
def list_pledges(window: Window, campaign_id: str) -> Page[Pledge]:
    """List the pledges a campaign you run received, the latest first."""
    campaign = queries.get_own_campaign(campaign_id, user=this_user(), permission=READ_PLEDGES)
    return pledge_queries.list_pledges(campaign, window=window)


@api.get("/campaigns/<campaign_id>/trail")
@requires(SEE_OWN_CAMPAIGN)
@api.paged(ActSchema)
def read_own_trail(window: Window, campaign_id: str) -> Page[AuditEntry]:
    """Read what was done to a campaign you run: who, when and why, the oldest act first."""
    campaign = queries.get_own_campaign(campaign_id, user=this_user())
    return window.cut(queries.list_audit(campaign.public_id, window=window))


def _describe(campaign_id: str) -> dict[str, object]:
    campaign = queries.get_own_campaign(campaign_id, user=this_user())
    rules = runtime().settings.of(Rules)
    ready = launch.check_readiness(campaign, payments=bound_payments(), rules=rules)
    extra = extend.most_extra_days(campaign, rules)
    return {
        "campaign": campaign,
        "review_note": campaign.review_note,
        "missing": review.find_missing(campaign),
        "supporters_count": campaign.supporters_count,
        "supporters_needed": rules.supporters_needed,
        "has_supporters": ready.has_supporters,
        "is_owner_ready": ready.is_owner_ready,
        "most_extra_days": extra,
        "extended_at": campaign.extended_at,
        "support_url": runtime().settings.base_url + url_for("supporters.form", slug=campaign.slug),
    }
