"""The campaign: a call for money with a goal and a deadline, and its life."""

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models.limits import (
    LONGEST_COVER_DESCRIPTION,
    LONGEST_PLACE,
    LONGEST_SLUG,
    LONGEST_SUMMARY,
    LONGEST_TITLE,
)
from octo.accounts.models import Organisation
from octo.database import Currency, Id, Instant, Minor, Model, PublicId, big_id, status_column
from octo.errors import N_, ConflictError

if TYPE_CHECKING:
    from campaigns.models.reward import CostLine, Reward


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    GATHERING = "gathering"
    LIVE = "live"
    SUSPENDED = "suspended"
    CLOSING = "closing"
    COLLECTING = "collecting"
    SETTLING = "settling"
    SETTLED = "settled"
    REJECTED = "rejected"


class Outcome(StrEnum):
    """The verdict, frozen once decided."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class Collection(StrEnum):
    """When the backers' cards are charged."""

    ON_PLEDGE = "on_pledge"
    ON_SUCCESS = "on_success"


class Category(StrEnum):
    """What a campaign is about."""

    FOOD = "food"
    CULTURE = "culture"
    EDUCATION = "education"
    ENVIRONMENT = "environment"
    SOLIDARITY = "solidarity"
    CRAFT = "craft"
    REPAIR = "repair"
    HEALTH = "health"


CAMPAIGN_TRANSITIONS: Final = {
    CampaignStatus.DRAFT: {CampaignStatus.SUBMITTED},
    CampaignStatus.SUBMITTED: {
        CampaignStatus.DRAFT,
        CampaignStatus.GATHERING,
        CampaignStatus.REJECTED,
    },
    CampaignStatus.GATHERING: {CampaignStatus.LIVE, CampaignStatus.DRAFT, CampaignStatus.REJECTED},
    CampaignStatus.LIVE: {CampaignStatus.SUSPENDED, CampaignStatus.CLOSING},
    CampaignStatus.SUSPENDED: {CampaignStatus.LIVE, CampaignStatus.CLOSING},
    CampaignStatus.CLOSING: {
        CampaignStatus.LIVE,
        CampaignStatus.COLLECTING,
        CampaignStatus.SETTLING,
    },
    CampaignStatus.COLLECTING: {CampaignStatus.SETTLING},
    CampaignStatus.SETTLING: {CampaignStatus.SETTLED},
    CampaignStatus.SETTLED: {CampaignStatus.SETTLING},
    CampaignStatus.REJECTED: set[CampaignStatus](),
}
PUBLIC_STATUSES: Final = frozenset(
    {
        CampaignStatus.GATHERING,
        CampaignStatus.LIVE,
        CampaignStatus.SUSPENDED,
        CampaignStatus.CLOSING,
        CampaignStatus.COLLECTING,
        CampaignStatus.SETTLING,
        CampaignStatus.SETTLED,
    }
)
_BEFORE_LAUNCH: Final = "('draft', 'submitted', 'gathering', 'rejected')"
_DECIDED: Final = "('collecting', 'settling', 'settled')"
_OTHER_TERMS: Final = (
    *("vat_rate", "repair_days", "longest_days"),
    *("cancel_locked_hours", "outage_extension_hours"),
)


class IllegalMoveError(ConflictError):
    """The campaign's state does not allow this."""

    code = "illegal_move"


class Campaign(Model):
    """A call for money by one organisation: a goal, a deadline, all or nothing.

    ``pledged_amount`` is what counts towards the goal (``campaigns.policy.counting``): it moves in
    the transaction in which a pledge is made or ends, is refunded in part, or is contested, and
    stands from the last verdict on. In minor units, shipping included, tips excluded.

    The terms it was launched under are written on it from ``fee_rate`` on, and follow no setting.
    """

    __tablename__ = "campaign"
    __table_args__ = (
        sa.CheckConstraint("goal_amount > 0", name="goal_positive"),
        sa.CheckConstraint("duration_days > 0", name="duration_positive"),
        sa.CheckConstraint("length(currency) = 3", name="currency_is_a_code"),
        sa.CheckConstraint("pledged_amount >= 0", name="pledged_not_negative"),
        sa.CheckConstraint("backers_count >= 0", name="backers_not_negative"),
        sa.CheckConstraint(
            f"(status IN {_BEFORE_LAUNCH}) = (launched_at IS NULL)",
            name="launched_once_past_gathering",
        ),
        sa.CheckConstraint(
            "(launched_at IS NULL) = (deadline_at IS NULL)", name="deadline_from_launch_on"
        ),
        sa.CheckConstraint("deadline_at > launched_at", name="deadline_after_launch"),
        sa.CheckConstraint(
            f"status NOT IN {_DECIDED} OR outcome IS NOT NULL", name="outcome_once_decided"
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (decided_at IS NULL)", name="outcome_has_an_instant"
        ),
        sa.CheckConstraint(
            "(status = 'settled') = (settled_at IS NOT NULL)", name="settled_has_an_instant"
        ),
        sa.CheckConstraint(
            "status <> 'collecting' OR collecting_ends_at IS NOT NULL",
            name="collecting_has_an_end",
        ),
        sa.CheckConstraint(
            " AND ".join(f"({name} IS NULL) = (fee_rate IS NULL)" for name in _OTHER_TERMS),
            name="terms_are_whole",
        ),
        sa.Index("ix_campaign_status_deadline_at", "status", "deadline_at"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    slug: Mapped[str] = mapped_column(sa.String(LONGEST_SLUG), unique=True)
    organisation_id: Mapped[int] = big_id("organisation.id")
    title: Mapped[str] = mapped_column(sa.String(LONGEST_TITLE))
    summary: Mapped[str] = mapped_column(sa.String(LONGEST_SUMMARY), default="")
    story: Mapped[str] = mapped_column(sa.Text(), default="")
    category: Mapped[Category] = status_column(Category)
    place: Mapped[str] = mapped_column(sa.String(LONGEST_PLACE), default="")
    cover: Mapped[str | None] = mapped_column(sa.String(100))
    cover_description: Mapped[str] = mapped_column(sa.String(LONGEST_COVER_DESCRIPTION), default="")
    currency: Mapped[Currency]
    goal_amount: Mapped[Minor]
    collection: Mapped[Collection] = status_column(Collection, default=Collection.ON_PLEDGE)
    duration_days: Mapped[int]
    time_zone: Mapped[str] = mapped_column(sa.String(64))
    status: Mapped[CampaignStatus] = status_column(CampaignStatus, default=CampaignStatus.DRAFT)
    outcome: Mapped[Outcome | None] = status_column(Outcome)
    review_note: Mapped[str] = mapped_column(sa.Text(), default="")
    pledged_amount: Mapped[Minor] = mapped_column(default=0)
    backers_count: Mapped[int] = mapped_column(default=0)
    supporters_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Instant]
    submitted_at: Mapped[Instant | None]
    approved_at: Mapped[Instant | None]
    launched_at: Mapped[Instant | None]
    deadline_at: Mapped[Instant | None]
    extended_at: Mapped[Instant | None]
    canceled_at: Mapped[Instant | None]
    closing_at: Mapped[Instant | None]
    decided_at: Mapped[Instant | None]
    collecting_ends_at: Mapped[Instant | None]
    settled_at: Mapped[Instant | None]
    fee_rate: Mapped[str | None] = mapped_column(sa.String(12))
    vat_rate: Mapped[str | None] = mapped_column(sa.String(12))
    repair_days: Mapped[int | None]
    longest_days: Mapped[int | None]
    cancel_locked_hours: Mapped[int | None]
    outage_extension_hours: Mapped[int | None]

    organisation: Mapped[Organisation] = relationship()
    rewards: Mapped[list["Reward"]] = relationship(
        back_populates="campaign", order_by="Reward.position", cascade="all, delete-orphan"
    )
    cost_lines: Mapped[list["CostLine"]] = relationship(
        back_populates="campaign", order_by="CostLine.position", cascade="all, delete-orphan"
    )

    @property
    def is_goal_reached(self) -> bool:
        """Tell whether what counts reaches the goal."""
        return self.pledged_amount >= self.goal_amount

    @property
    def is_public(self) -> bool:
        """Tell whether anybody may see this campaign."""
        return self.status in PUBLIC_STATUSES

    def check_is_in(self, statuses: AbstractSet[CampaignStatus], *, wanted: CampaignStatus) -> None:
        """Raise ``IllegalMoveError`` unless the campaign stands in one of ``statuses``."""
        if self.status not in statuses:
            raise IllegalMoveError(
                N_("The campaign has reached another stage: this can no longer be done."),
                status=self.status.value,
                wanted=wanted.value,
            )

    def move_to(self, status: CampaignStatus) -> None:
        """Change the status, or raise ``IllegalMoveError`` when its life forbids it."""
        self.check_is_in(_statuses_before(status), wanted=status)
        self.status = status


def _statuses_before(status: CampaignStatus) -> frozenset[CampaignStatus]:
    return frozenset(was for was, becomes in CAMPAIGN_TRANSITIONS.items() if status in becomes)
