"""Register the organisation of a campaign with whoever pays it."""

from campaigns.models import Campaign
from campaigns.permissions import REGISTER_OWNER
from campaigns.ports import Payments
from campaigns.team.access import lock_permitted
from octo.accounts.models import User
from octo.database import transaction


def begin_onboarding(
    campaign_id: str, *, actor: User, payments: Payments, return_url: str, refresh_url: str
) -> str:
    """Return the address of the registration page, for the members of the organisation."""
    campaign = _own(campaign_id, actor)
    return payments.begin_onboarding(
        campaign.organisation_id, return_url=return_url, refresh_url=refresh_url
    )


def refresh_owner(campaign_id: str, *, actor: User, payments: Payments) -> None:
    """Ask whether the organisation can be paid now."""
    payments.refresh_owner(_own(campaign_id, actor).organisation_id)


def _own(campaign_id: str, actor: User) -> Campaign:
    with transaction() as session:
        return lock_permitted(session, REGISTER_OWNER, campaign_id=campaign_id, actor=actor)
