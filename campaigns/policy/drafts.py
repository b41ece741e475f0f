"""What of a campaign may still be changed, and until when."""

from datetime import datetime
from typing import Final

from campaigns.models import CampaignStatus
from campaigns.models.limits import MOST_REWARDS
from octo.errors import N_, ConflictError, InvalidError

_TEXT_IS_OPEN: Final = frozenset(
    {CampaignStatus.DRAFT, CampaignStatus.GATHERING, CampaignStatus.LIVE}
)


class NotEditableError(ConflictError):
    """The campaign's status does not let this be changed."""

    code = "not_editable"


def check_terms_open(status: CampaignStatus) -> None:
    """Raise ``NotEditableError`` unless the terms, costs and rewards may be changed."""
    if status is not CampaignStatus.DRAFT:
        raise NotEditableError(N_("This can be changed only while the campaign is a draft."))


def check_text_open(status: CampaignStatus) -> None:
    """Raise ``NotEditableError`` unless what people read may be changed, and rewards added."""
    if status not in _TEXT_IS_OPEN:
        raise NotEditableError(N_("This campaign can no longer be changed."))


def check_can_delete(status: CampaignStatus, *, submitted_at: datetime | None) -> None:
    """Raise ``NotEditableError`` unless this is a draft that nobody but its owner has seen."""
    check_terms_open(status)
    if submitted_at is not None:
        raise NotEditableError(N_("A campaign that has been submitted is kept."))


def check_currency(wanted: str, *, present: str, has_amounts: bool) -> None:
    """Raise ``InvalidError`` when a currency would change under amounts that are written in it."""
    if wanted != present and has_amounts:
        raise InvalidError(
            N_("Remove the rewards and the cost lines before changing the currency."),
            field="currency",
        )


def check_room_for_reward(count: int) -> None:
    """Raise ``InvalidError`` when a campaign promises as much as it may."""
    if count >= MOST_REWARDS:
        raise InvalidError(N_("At most %(most)s rewards."), field="title", most=MOST_REWARDS)


def is_public_edit(status: CampaignStatus) -> bool:
    """Tell whether a change is one that others may have read: it goes on the record."""
    return status is not CampaignStatus.DRAFT
