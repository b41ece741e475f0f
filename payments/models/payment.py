"""The payment: the collecting of one pledge through Stripe."""

from datetime import datetime
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models import Campaign, Pledge
from octo.database import Currency, Id, Instant, Minor, Model, PublicId, big_id, status_column
from octo.errors import N_, ConflictError

STRIPE_ID_LENGTH: Final = 255


class PaymentStatus(StrEnum):
    """What Stripe says of the collecting of one pledge."""

    PENDING = "pending"
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


_RANK: Final = {
    PaymentStatus.PENDING: 0,
    PaymentStatus.REQUIRES_ACTION: 1,
    PaymentStatus.PROCESSING: 1,
    PaymentStatus.FAILED: 2,
    PaymentStatus.CANCELED: 2,
    PaymentStatus.SUCCEEDED: 3,
}
RESOLVED: Final = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.FAILED, PaymentStatus.CANCELED})
UNDER_WAY: Final = tuple(status for status in PaymentStatus if status not in RESOLVED)
_UNDER_WAY: Final = "status IN ('pending', 'processing', 'requires_action')"


class Payment(Model):
    """The collecting of one pledge; wraps one PaymentIntent.

    The backer pays on a page of Stripe's, or a saved card is charged while its holder is
    away: then ``stripe_setup_intent_id`` says which, and each is charged once. A pledge whose
    card was declined may have another payment after it, never two under way, and never two
    that count.

    ``amount`` goes to the campaign and ``tip_amount`` to the platform; the card is charged
    their sum. ``is_late`` marks money that came too late to count (after the deadline, the
    verdict, or another payment of the same pledge) and goes back.
    ``disputed_amount`` is what banks took back of it, ``disputed_tip_amount`` out of the tip;
    while ``is_contested``, Stripe refunds nothing of it.
    """

    __tablename__ = "payment"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("tip_amount >= 0", name="tip_not_negative"),
        sa.CheckConstraint("refunded_amount >= 0", name="refunded_not_negative"),
        sa.CheckConstraint(
            "refunded_amount <= amount + tip_amount", name="never_refunded_more_than_paid"
        ),
        sa.CheckConstraint(
            "refunded_tip_amount <= tip_amount", name="never_refunded_more_tip_than_paid"
        ),
        sa.CheckConstraint(
            "disputed_amount >= 0 AND disputed_tip_amount >= 0", name="disputed_not_negative"
        ),
        sa.CheckConstraint(
            "refunded_amount + disputed_amount <= amount + tip_amount"
            " AND refunded_tip_amount + disputed_tip_amount <= tip_amount",
            name="never_both_refunded_and_lost",
        ),
        sa.CheckConstraint(
            "status <> 'succeeded' OR (stripe_charge_id IS NOT NULL AND charged_at IS NOT NULL)",
            name="succeeded_has_a_charge",
        ),
        sa.Index(
            "uq_payment_counted_once",
            "pledge_id",
            unique=True,
            sqlite_where=sa.text("status = 'succeeded' AND is_late = 0"),
            postgresql_where=sa.text("status = 'succeeded' AND NOT is_late"),
        ),
        sa.Index(
            "uq_payment_one_under_way",
            "pledge_id",
            unique=True,
            sqlite_where=sa.text(_UNDER_WAY),
            postgresql_where=sa.text(_UNDER_WAY),
        ),
        sa.Index("ix_payment_pledge_id", "pledge_id"),
        sa.Index("ix_payment_campaign_id_status", "campaign_id", "status"),
        sa.Index("ix_payment_status_created_at", "status", "created_at"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    pledge_id: Mapped[int] = big_id("pledge.id")
    campaign_id: Mapped[int] = big_id("campaign.id")
    amount: Mapped[Minor]
    tip_amount: Mapped[Minor]
    currency: Mapped[Currency]
    status: Mapped[PaymentStatus] = status_column(PaymentStatus, default=PaymentStatus.PENDING)
    is_late: Mapped[bool] = mapped_column(default=False)
    failure_code: Mapped[str | None] = mapped_column(sa.String(60))
    refunded_amount: Mapped[Minor] = mapped_column(default=0)
    refunded_tip_amount: Mapped[Minor] = mapped_column(default=0)
    disputed_amount: Mapped[Minor] = mapped_column(default=0)
    disputed_tip_amount: Mapped[Minor] = mapped_column(default=0, server_default="0")
    is_contested: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    processor_fee_amount: Mapped[Minor] = mapped_column(default=0)
    stripe_checkout_session_id: Mapped[str | None] = mapped_column(
        sa.String(STRIPE_ID_LENGTH), unique=True
    )
    stripe_payment_intent_id: Mapped[str | None] = mapped_column(
        sa.String(STRIPE_ID_LENGTH), unique=True
    )
    stripe_setup_intent_id: Mapped[str | None] = mapped_column(
        sa.String(STRIPE_ID_LENGTH), unique=True
    )
    stripe_charge_id: Mapped[str | None] = mapped_column(sa.String(STRIPE_ID_LENGTH), unique=True)
    checkout_url: Mapped[str | None] = mapped_column(sa.Text())
    checkout_expires_at: Mapped[Instant | None]
    created_at: Mapped[Instant]
    charged_at: Mapped[Instant | None]
    available_at: Mapped[Instant | None]
    checked_at: Mapped[Instant | None]

    pledge: Mapped[Pledge] = relationship()
    campaign: Mapped[Campaign] = relationship()

    @property
    def is_off_session(self) -> bool:
        """Tell whether a saved card is charged while its holder is away."""
        return self.stripe_setup_intent_id is not None

    @property
    def total_amount(self) -> int:
        """Return what the card is charged, in minor units."""
        return self.amount + self.tip_amount

    @property
    def refundable_amount(self) -> int:
        """Return what may still be given back, in minor units."""
        if self.status is not PaymentStatus.SUCCEEDED:
            return 0
        return self.total_amount - self.refunded_amount - self.disputed_amount

    @hybrid_property
    def is_counted(self) -> bool:
        """Tell whether it stands for its pledge: it came in, and in time."""
        return self.status is PaymentStatus.SUCCEEDED and not self.is_late

    @is_counted.inplace.expression
    @classmethod
    def _is_counted_in_sql(cls) -> sa.ColumnElement[bool]:
        return sa.and_(cls.status == PaymentStatus.SUCCEEDED, ~cls.is_late)

    @hybrid_property
    def refunded_funds_amount(self) -> int:
        """Return what was refunded of the campaign's part, in minor units."""
        return self.refunded_amount - self.refunded_tip_amount

    @hybrid_property
    def disputed_funds_amount(self) -> int:
        """Return what banks took back of the campaign's part, in minor units."""
        return self.disputed_amount - self.disputed_tip_amount

    @hybrid_property
    def tip_left_amount(self) -> int:
        """Return what is left of the tip, in minor units."""
        return self.tip_amount - self.refunded_tip_amount - self.disputed_tip_amount

    @property
    def is_resolved(self) -> bool:
        """Tell whether Stripe has said its last word on the collecting."""
        return self.status in RESOLVED

    def advance_to(self, status: PaymentStatus) -> bool:
        """Take in a state Stripe reports; an older one changes nothing and returns ``False``."""
        if _RANK[status] <= _RANK[self.status]:
            return False
        self.status = status
        return True


class RefundStatus(StrEnum):
    """Where a refund stands; a canceled one was taken back before Stripe moved anything."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class RefundReason(StrEnum):
    """Why money goes back."""

    GOAL_MISSED = "goal_missed"
    CAMPAIGN_CANCELED = "campaign_canceled"
    BACKER_CANCELED = "backer_canceled"
    TOO_LATE = "too_late"
    PAID_TWICE = "paid_twice"
    SOLD_OUT = "sold_out"
    EXTERNAL = "external"
    TREASURER = "treasurer"
    TRIED_AGAIN = "tried_again"
    OWNER_NOT_PAID = "owner_not_paid"


class Resolution(StrEnum):
    """How the money of a refund that failed reached its backer after all.

    Where more was refunded by hand than was due and it came back, nobody is owed anything for it.
    """

    TRIED_AGAIN = "tried_again"
    PAID_BY_BANK = "paid_by_bank"
    DISPUTED = "disputed"
    NOT_DUE = "not_due"


REFUND_TRANSITIONS: Final = {
    RefundStatus.PENDING: {RefundStatus.SUCCEEDED, RefundStatus.FAILED, RefundStatus.CANCELED},
    RefundStatus.SUCCEEDED: {RefundStatus.FAILED},
    RefundStatus.FAILED: set[RefundStatus](),
    RefundStatus.CANCELED: set[RefundStatus](),
}


class Refund(Model):
    """Money given back to a backer for one payment, in whole or in part.

    ``amount`` is split into what leaves the campaign (``funds_amount``), what leaves the tips
    (``tip_amount``) and what was already owed to the backer (``owed_amount``: late money, or
    a refund that failed); the split is decided once, when the refund is. One that failed stays
    so: ``resolution`` says what a treasurer did about it.
    """

    __tablename__ = "refund"
    __table_args__ = (
        sa.UniqueConstraint("payment_id", "number", name="uq_refund_number"),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint(
            "funds_amount >= 0 AND tip_amount >= 0 AND owed_amount >= 0", name="parts_not_negative"
        ),
        sa.CheckConstraint(
            "amount = funds_amount + tip_amount + owed_amount", name="parts_sum_to_the_whole"
        ),
        sa.CheckConstraint(
            "status <> 'succeeded' OR stripe_refund_id IS NOT NULL", name="succeeded_has_stripe_id"
        ),
        sa.CheckConstraint(
            "(status = 'pending') = (closed_at IS NULL)", name="closed_unless_pending"
        ),
        sa.CheckConstraint(
            "(resolution IS NULL) = (resolved_at IS NULL)", name="resolved_has_an_instant"
        ),
        sa.CheckConstraint(
            "resolution IS NULL OR status = 'failed'", name="only_failed_is_resolved"
        ),
        sa.Index("ix_refund_campaign_id_status", "campaign_id", "status"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    payment_id: Mapped[int] = big_id("payment.id")
    campaign_id: Mapped[int] = big_id("campaign.id")
    number: Mapped[int]
    action_key: Mapped[str] = mapped_column(sa.String(120), unique=True)
    reason: Mapped[RefundReason] = status_column(RefundReason)
    amount: Mapped[Minor]
    funds_amount: Mapped[Minor] = mapped_column(default=0)
    tip_amount: Mapped[Minor] = mapped_column(default=0)
    owed_amount: Mapped[Minor] = mapped_column(default=0)
    currency: Mapped[Currency]
    status: Mapped[RefundStatus] = status_column(RefundStatus, default=RefundStatus.PENDING)
    pending_reason: Mapped[str | None] = mapped_column(sa.String(60))
    failure_reason: Mapped[str | None] = mapped_column(sa.String(60))
    stripe_refund_id: Mapped[str | None] = mapped_column(sa.String(STRIPE_ID_LENGTH), unique=True)
    requested_at: Mapped[Instant]
    closed_at: Mapped[Instant | None]
    resolution: Mapped[Resolution | None] = status_column(Resolution)
    resolved_at: Mapped[Instant | None]

    payment: Mapped[Payment] = relationship()
    campaign: Mapped[Campaign] = relationship()

    @property
    def is_owed(self) -> bool:
        """Tell whether it failed and nothing was done about it since."""
        return self.status is RefundStatus.FAILED and self.resolution is None

    @classmethod
    def owed(cls) -> sa.ColumnElement[bool]:
        """Return the condition of those that failed and that nothing was done about since."""
        return sa.and_(cls.status == RefundStatus.FAILED, cls.resolution.is_(None))

    @classmethod
    def unfinished(cls) -> sa.ColumnElement[bool]:
        """Return the condition of those whose money its backer does not have yet."""
        return sa.or_(cls.status == RefundStatus.PENDING, cls.owed())

    def resolve(self, resolution: Resolution, *, at: datetime) -> None:
        """Say how the money of a failed refund reached its backer, once."""
        if not self.is_owed:
            raise ConflictError(
                N_("The refund has reached another stage: this can no longer be done."),
                status=self.status.value,
                wanted=resolution.value,
            )
        self.resolution = resolution
        self.resolved_at = at

    def advance_to(self, status: RefundStatus, *, at: datetime) -> bool:
        """Take in a state Stripe reports; an older one changes nothing and returns ``False``.

        Raises ``ConflictError`` when Stripe's word contradicts a closed refund.
        """
        if status is self.status or (status, self.status) in _OLDER:
            return False
        if status not in REFUND_TRANSITIONS[self.status]:
            raise ConflictError(
                N_("The refund has reached another stage: this can no longer be done."),
                status=self.status.value,
                wanted=status.value,
            )
        self.status = status
        self.closed_at = at
        return True


_OLDER: Final = {
    (RefundStatus.PENDING, RefundStatus.SUCCEEDED),
    (RefundStatus.PENDING, RefundStatus.FAILED),
    (RefundStatus.SUCCEEDED, RefundStatus.FAILED),
    (RefundStatus.PENDING, RefundStatus.CANCELED),
    (RefundStatus.FAILED, RefundStatus.CANCELED),
}
