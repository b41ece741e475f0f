"""The pledge: a backer's promise of an amount to a campaign."""

from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models.campaign import Campaign
from campaigns.models.limits import LONGEST_NAME, LONGEST_WORD
from campaigns.models.reward import Reward
from octo.database import Currency, Id, Instant, Minor, Model, PublicId, big_id, status_column
from octo.email_address import LONGEST_EMAIL
from octo.errors import N_, ConflictError


class PledgeStatus(StrEnum):
    """Where a pledge stands; ``active`` is paid, or card saved."""

    PENDING = "pending"
    ACTIVE = "active"
    COLLECTED = "collected"
    REFUNDED = "refunded"
    RELEASED = "released"
    EXPIRED = "expired"
    CANCELED = "canceled"


class Visibility(StrEnum):
    """What the public sees of a backer; the ledger always knows."""

    PUBLIC = "public"
    AMOUNT_HIDDEN = "amount_hidden"
    ANONYMOUS = "anonymous"


PLEDGE_TRANSITIONS: Final = {
    PledgeStatus.PENDING: {PledgeStatus.ACTIVE, PledgeStatus.EXPIRED, PledgeStatus.CANCELED},
    PledgeStatus.ACTIVE: {
        PledgeStatus.COLLECTED,
        PledgeStatus.REFUNDED,
        PledgeStatus.RELEASED,
        PledgeStatus.CANCELED,
    },
    PledgeStatus.EXPIRED: {PledgeStatus.ACTIVE},
    PledgeStatus.COLLECTED: {PledgeStatus.REFUNDED},
    PledgeStatus.REFUNDED: set[PledgeStatus](),
    PledgeStatus.RELEASED: set[PledgeStatus](),
    PledgeStatus.CANCELED: set[PledgeStatus](),
}


class IllegalPledgeMoveError(ConflictError):
    """The pledge's state does not allow this."""

    code = "illegal_pledge_move"


class Pledge(Model):
    """A backer's promise of an amount to a campaign; it may buy a reward and carry a tip.

    ``amount`` counts towards the goal and includes ``shipping_amount``; ``tip_amount`` is
    the platform's, beside it. All in minor units of ``currency``.
    """

    __tablename__ = "pledge"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("tip_amount >= 0", name="tip_not_negative"),
        sa.CheckConstraint(
            "shipping_amount >= 0 AND shipping_amount < amount", name="shipping_within_amount"
        ),
        sa.CheckConstraint(
            "status <> 'active' OR confirmed_at IS NOT NULL", name="active_is_confirmed"
        ),
        sa.CheckConstraint(
            "status <> 'canceled' OR canceled_at IS NOT NULL", name="canceled_has_an_instant"
        ),
        sa.Index("ix_pledge_campaign_id_status", "campaign_id", "status"),
        sa.Index("ix_pledge_user_id", "user_id"),
        sa.Index("ix_pledge_status_expires_at", "status", "expires_at"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    request_key: Mapped[str] = mapped_column(sa.String(64), unique=True)
    campaign_id: Mapped[int] = big_id("campaign.id")
    reward_id: Mapped[int | None] = big_id("reward.id")
    user_id: Mapped[int | None] = big_id("user.id")
    email: Mapped[str] = mapped_column(sa.String(LONGEST_EMAIL))
    name: Mapped[str] = mapped_column(sa.String(LONGEST_NAME), default="")
    locale: Mapped[str] = mapped_column(sa.String(5))
    amount: Mapped[Minor]
    shipping_amount: Mapped[Minor] = mapped_column(default=0)
    tip_amount: Mapped[Minor] = mapped_column(default=0)
    currency: Mapped[Currency]
    visibility: Mapped[Visibility] = status_column(Visibility, default=Visibility.ANONYMOUS)
    message: Mapped[str] = mapped_column(sa.String(LONGEST_WORD), default="")
    address: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    status: Mapped[PledgeStatus] = status_column(PledgeStatus, default=PledgeStatus.PENDING)
    holds_reward: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    confirmed_at: Mapped[Instant | None]
    canceled_at: Mapped[Instant | None]

    campaign: Mapped[Campaign] = relationship()
    reward: Mapped[Reward | None] = relationship()

    @property
    def total_amount(self) -> int:
        """Return what the backer pays in all: the pledge and the tip."""
        return self.amount + self.tip_amount

    def move_to(self, status: PledgeStatus) -> None:
        """Change the status, or raise ``IllegalPledgeMoveError``."""
        if status not in PLEDGE_TRANSITIONS[self.status]:
            raise IllegalPledgeMoveError(
                N_("The pledge has reached another stage: this can no longer be done."),
                status=self.status.value,
                wanted=status.value,
            )
        self.status = status


class PledgeLink(Model):
    """A link to the receipt of one pledge, by a secret token of which only the hash is kept.

    The checkout's way back, the mail and a repeated request each have their own, so that
    one can be revoked without the others. A mailed one proves that the backer reads the address.
    """

    __tablename__ = "pledge_link"
    __table_args__ = (sa.Index("ix_pledge_link_pledge_id", "pledge_id"),)

    id: Mapped[Id]
    pledge_id: Mapped[int] = big_id("pledge.id")
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    is_mailed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]

    pledge: Mapped[Pledge] = relationship()
