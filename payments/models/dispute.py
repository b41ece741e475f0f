"""The dispute: a backer's bank contests a payment, and whom its money was taken from."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from octo.database import Currency, Id, Instant, Minor, Model, big_id, status_column
from payments.models.payment import Payment


class DisputeStatus(StrEnum):
    """Where a contested payment stands; an inquiry takes no money."""

    INQUIRY = "inquiry"
    OPENED = "opened"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


class DisputeStage(StrEnum):
    """When a bank first took money back, which decides whom it is missing to."""

    BEFORE_VERDICT = "before_verdict"
    BEFORE_TRANSFER = "before_transfer"
    AFTER_TRANSFER = "after_transfer"
    AFTER_FAILURE = "after_failure"


class Dispute(Model):
    """A backer's bank contests a payment; amounts as Stripe gives them, in minor units.

    ``withdrawn_amount`` is what the bank holds now, and is shared out: what is missing to the
    campaign (``funds_amount``), to the tips (``tip_amount``), to what was owed to this backer
    already (``owed_amount``), and what nobody but the platform bears (``loss_amount``: more than
    was charged, or refunded before).
    """

    __tablename__ = "dispute"
    __table_args__ = (
        sa.CheckConstraint("amount >= 0", name="amount_not_negative"),
        sa.CheckConstraint(
            "funds_amount >= 0 AND tip_amount >= 0 AND owed_amount >= 0 AND loss_amount >= 0",
            name="parts_not_negative",
        ),
        sa.CheckConstraint(
            "withdrawn_amount = funds_amount + tip_amount + owed_amount + loss_amount",
            name="parts_sum_to_the_whole",
        ),
        sa.CheckConstraint(
            "withdrawn_amount = 0 OR stage IS NOT NULL", name="withdrawn_has_a_stage"
        ),
        sa.Index("ix_dispute_payment_id", "payment_id"),
        sa.Index("ix_dispute_campaign_id", "campaign_id"),
    )

    id: Mapped[Id]
    stripe_dispute_id: Mapped[str] = mapped_column(sa.String(255), unique=True)
    payment_id: Mapped[int] = big_id("payment.id")
    campaign_id: Mapped[int] = big_id("campaign.id")
    amount: Mapped[Minor]
    currency: Mapped[Currency]
    reason: Mapped[str] = mapped_column(sa.String(60), default="")
    status: Mapped[DisputeStatus] = status_column(DisputeStatus)
    stage: Mapped[DisputeStage | None] = status_column(DisputeStage)
    withdrawn_amount: Mapped[Minor] = mapped_column(default=0, server_default="0")
    funds_amount: Mapped[Minor] = mapped_column(default=0, server_default="0")
    tip_amount: Mapped[Minor] = mapped_column(default=0, server_default="0")
    owed_amount: Mapped[Minor] = mapped_column(default=0, server_default="0")
    loss_amount: Mapped[Minor] = mapped_column(default=0, server_default="0")
    opened_at: Mapped[Instant]
    closed_at: Mapped[Instant | None]

    payment: Mapped[Payment] = relationship()

    def hold(self, amount: int) -> None:
        """Record what the bank holds now; whom it is missing to is said by ``share``."""
        self.withdrawn_amount = self.loss_amount = amount
        self.funds_amount = self.tip_amount = self.owed_amount = 0

    def share(self, *, funds: int, tip: int, owed: int, loss: int) -> None:
        """Record whom the money that the bank holds is missing to."""
        self.funds_amount = funds
        self.tip_amount = tip
        self.owed_amount = owed
        self.loss_amount = loss
