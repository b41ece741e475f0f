"""What a campaign needs before its review, and what a moderator may do to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from campaigns.models import CampaignStatus
from octo.errors import N_, InvalidError, OctoError

SHORTEST_STORY: Final = 200


@dataclass(frozen=True)
class Missing:
    """One thing to mend before a campaign can be submitted; ``step`` is where."""

    field: str
    message: str
    step: str


class IncompleteError(InvalidError):
    """The campaign lacks something; errors names all of it."""

    code = "incomplete"

    def __init__(self, missing: list[Missing]) -> None:
        super().__init__(N_("This campaign is not complete yet."), field=missing[0].field)
        self.missing = missing

    @property
    def parts(self) -> Sequence[OctoError]:
        """All that is missing."""
        return [InvalidError(one.message, field=one.field) for one in self.missing]


@dataclass(frozen=True)
class Submission:
    """What a review reads of a campaign; amounts in minor units of its currency."""

    summary: str
    story: str
    place: str
    cover: str | None
    cover_description: str
    cost_amounts: Sequence[int]
    goal_amount: int


def find_missing(submitted: Submission) -> list[Missing]:
    """List everything a campaign lacks before it can be reviewed."""
    costs = submitted.cost_amounts
    checks = [
        (submitted.summary, "summary", N_("Write a summary of one or two sentences."), "text"),
        (
            len(submitted.story.strip()) >= SHORTEST_STORY,
            "story",
            N_("Tell the story: what, for whom, why now (200 characters at least)."),
            "text",
        ),
        (submitted.place, "place", N_("Say where it happens."), "text"),
        (submitted.cover, "cover", N_("Add a cover picture."), "cover"),
        (
            submitted.cover_description,
            "cover_description",
            N_("Describe the cover picture for people who do not see it."),
            "cover",
        ),
        (costs, "cost_lines", N_("Say what the money is for."), "costs"),
        (
            not costs or sum(costs) == submitted.goal_amount,
            "cost_lines",
            N_("The cost lines must add up to the goal."),
            "costs",
        ),
    ]
    return [
        Missing(field, message, step) for is_there, field, message, step in checks if not is_there
    ]


class Act(StrEnum):
    """One act of a moderator."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"
    SUSPEND = "suspend"
    RESUME = "resume"
    CANCEL = "cancel"


_ACTS: Final = {
    CampaignStatus.SUBMITTED: (Act.APPROVE, Act.REQUEST_CHANGES, Act.REJECT),
    CampaignStatus.GATHERING: (Act.REJECT,),
    CampaignStatus.LIVE: (Act.SUSPEND, Act.CANCEL),
    CampaignStatus.SUSPENDED: (Act.RESUME, Act.CANCEL),
}


def acts_for(status: CampaignStatus) -> tuple[Act, ...]:
    """Return the acts of a moderator that a campaign's status allows."""
    return _ACTS.get(status, ())


def allowed_from(act: Act) -> frozenset[CampaignStatus]:
    """Return the statuses in which a moderator may do this."""
    return frozenset(status for status, acts in _ACTS.items() if act in acts)
