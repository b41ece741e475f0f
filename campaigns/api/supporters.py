"""Standing behind a campaign before its launch, in the API."""

from http import HTTPStatus

from campaigns import queries
from campaigns.models import Campaign
from campaigns.policy.supporters import NotGatheringError
from campaigns.schemas.answers import CampaignSummarySchema
from campaigns.schemas.bodies import SupportSchema
from campaigns.settings import Rules
from campaigns.supporters import support
from campaigns.visitor import supports
from octo.accounts.schemas import MailedTokenSchema
from octo.errors import N_, ConflictError, NotFoundError
from octo.runtime import runtime
from octo.web.language import current_language
from octo.web.permissions import public
from octo.web.routes import ApiBlueprint

api = ApiBlueprint(
    N_("Supporters"),
    __name__,
    description=N_("Stand behind a campaign before its launch, by a word and a verified address."),
)


@api.post("/campaigns/<campaign_id>/supporters")
@public
@supports
@api.refuses(NotGatheringError)
@api.arguments(
    SupportSchema,
    example={"email": "lena@example.org", "name": "Léna Riou", "word": "Enfin !"},
)
@api.response(HTTPStatus.ACCEPTED)
def support_campaign(body: dict[str, str], campaign_id: str) -> None:
    """Support a campaign that gathers its supporters; no account is needed.

    It counts once the token that is mailed comes back. The answer is the same whether or not
    the address supports the campaign already.
    """
    support.support_campaign(campaign_id, **body, locale=current_language(), clock=runtime().clock)


@api.post("/supporters/confirmation")
@public
@api.refuses(NotFoundError, NotGatheringError, ConflictError)
@api.arguments(MailedTokenSchema)
@api.response(HTTPStatus.OK, CampaignSummarySchema)
def confirm_support(body: dict[str, str]) -> Campaign:
    """Count a supporter by the token mailed to the address."""
    campaign = support.confirm_support(
        body["token"], clock=runtime().clock, rules=runtime().settings.of(Rules)
    )
    return queries.get_campaign(public_id=campaign.public_id)
