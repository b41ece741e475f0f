"""Who stands behind a launch, and when."""

from campaigns.models import CampaignStatus
from octo.errors import N_, ConflictError


class NotGatheringError(ConflictError):
    """The campaign gathers no supporters now."""

    code = "not_gathering"


def check_gathering(status: CampaignStatus) -> None:
    """Raise ``NotGatheringError`` unless a campaign looks for supporters."""
    if status is not CampaignStatus.GATHERING:
        raise NotGatheringError(N_("This campaign is not looking for supporters now."))


def check_supporter(*, runs_campaign: bool) -> None:
    """Raise ``ConflictError`` for those who run the campaign: they do not count."""
    if runs_campaign:
        raise ConflictError(N_("Supporters are other people than those who run the campaign."))
