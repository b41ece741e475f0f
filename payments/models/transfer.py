"""The transfer: what pays a settlement document, and what is taken back of it."""

from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models import Campaign
from octo.database import Currency, Id, Instant, Minor, Model, PublicId, big_id, status_column
from octo.errors import N_, ConflictError
from payments.models.settlement import Settlement


class TransferStatus(StrEnum):
    """Where the paying of an owner stands; a netted one was wholly deducted and is not sent."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    REVERSED = "reversed"
    NETTED = "netted"


TRANSFER_TRANSITIONS: Final = {
    TransferStatus.PENDING: {TransferStatus.SUCCEEDED, TransferStatus.NETTED},
    TransferStatus.SUCCEEDED: {TransferStatus.REVERSED},
    TransferStatus.REVERSED: set[TransferStatus](),
    TransferStatus.NETTED: set[TransferStatus](),
}


class Block(StrEnum):
    """Why a transfer waits."""

    OWNER = "owner"
    FUNDS = "funds"
    BALANCE = "balance"
    STRIPE = "stripe"
    DISCREPANCY = "discrepancy"
    TREASURER = "treasurer"


class Transfer(Model):
    """The payment of a settlement document's net to the owner's connected account.

    Each document is paid by one (``number`` 1). Until its call is planned, later credit notes
    and what the owner owes are deducted from it; then its amount never changes. What somebody
    takes back of it by hand is due again by another, which is held (``is_held``) until a
    treasurer says so.
    """

    __tablename__ = "transfer"
    __table_args__ = (
        sa.UniqueConstraint("settlement_id", "number", name="uq_transfer_number"),
        sa.CheckConstraint("number > 0", name="numbered_from_one"),
        sa.CheckConstraint(
            "document_amount > 0 AND deducted_amount >= 0"
            " AND amount = document_amount - deducted_amount",
            name="deductions_add_up",
        ),
        sa.CheckConstraint(
            "amount >= 0 AND (amount = 0) = (status = 'netted')", name="nothing_left_is_netted"
        ),
        sa.CheckConstraint(
            "reversed_amount >= 0 AND reversed_amount <= amount"
            " AND (status <> 'reversed' OR reversed_amount = amount)",
            name="reversed_within_amount",
        ),
        sa.CheckConstraint(
            "status NOT IN ('succeeded', 'reversed') OR stripe_transfer_id IS NOT NULL",
            name="sent_has_stripe_id",
        ),
        sa.CheckConstraint("NOT is_held OR status IN ('pending', 'netted')", name="held_is_unsent"),
        sa.Index("ix_transfer_campaign_id_status", "campaign_id", "status"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    settlement_id: Mapped[int] = big_id("settlement.id")
    number: Mapped[int] = mapped_column(default=1, server_default="1")
    campaign_id: Mapped[int] = big_id("campaign.id")
    document_amount: Mapped[Minor]
    deducted_amount: Mapped[Minor] = mapped_column(default=0, server_default="0")
    amount: Mapped[Minor]
    reversed_amount: Mapped[Minor] = mapped_column(default=0, server_default="0")
    currency: Mapped[Currency]
    status: Mapped[TransferStatus] = status_column(TransferStatus, default=TransferStatus.PENDING)
    is_held: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    block: Mapped[Block | None] = status_column(Block)
    expected_at: Mapped[Instant | None]
    reminded_at: Mapped[Instant | None]
    stripe_transfer_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    stripe_account_id: Mapped[str | None] = mapped_column(sa.String(255))
    created_at: Mapped[Instant]
    sent_at: Mapped[Instant | None]

    settlement: Mapped[Settlement] = relationship()
    campaign: Mapped[Campaign] = relationship()

    def deduct(self, amount: int) -> None:
        """Take off what a credit note or a debt calls for; with nothing left it is not sent."""
        assert self.status is TransferStatus.PENDING, f"{self.status} transfer cannot change"
        self.deducted_amount += amount
        self.amount -= amount
        if self.amount == 0:
            self.move_to(TransferStatus.NETTED)
            self.block = self.expected_at = None

    def move_to(self, status: TransferStatus) -> None:
        """Change the status, or raise ``ConflictError``."""
        if status not in TRANSFER_TRANSITIONS[self.status]:
            raise ConflictError(
                N_("The transfer has reached another stage: this can no longer be done."),
                status=self.status.value,
                wanted=status.value,
            )
        self.status = status


class ReversalStatus(StrEnum):
    """Where the taking back of a transfer stands."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class TransferReversal(Model):
    """A transfer taken back, whole or in part: by a treasurer's act, or by hand at Stripe.

    ``debt_amount`` of it pays what the owner owed, ``loss_amount`` what had been written off;
    the rest is due to the owner again. ``idempotency_key`` is that of the form that asked for it.
    """

    __tablename__ = "transfer_reversal"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint(
            "debt_amount >= 0 AND loss_amount >= 0 AND debt_amount + loss_amount <= amount",
            name="parts_within_the_whole",
        ),
        sa.CheckConstraint(
            "status <> 'succeeded' OR stripe_reversal_id IS NOT NULL",
            name="succeeded_has_stripe_id",
        ),
        sa.CheckConstraint(
            "(status = 'pending') = (closed_at IS NULL)", name="closed_unless_pending"
        ),
        sa.Index("uq_transfer_reversal_key", "transfer_id", "idempotency_key", unique=True),
        sa.Index("ix_transfer_reversal_campaign_id_status", "campaign_id", "status"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    transfer_id: Mapped[int] = big_id("transfer.id")
    campaign_id: Mapped[int] = big_id("campaign.id")
    amount: Mapped[Minor]
    debt_amount: Mapped[Minor] = mapped_column(default=0)
    loss_amount: Mapped[Minor] = mapped_column(default=0)
    currency: Mapped[Currency]
    status: Mapped[ReversalStatus] = status_column(ReversalStatus, default=ReversalStatus.PENDING)
    failure_reason: Mapped[str | None] = mapped_column(sa.String(80))
    stripe_reversal_id: Mapped[str | None] = mapped_column(sa.String(255), unique=True)
    requested_at: Mapped[Instant]
    requested_by: Mapped[str | None] = mapped_column(sa.String(40))
    idempotency_key: Mapped[str | None] = mapped_column(sa.String(64))
    closed_at: Mapped[Instant | None]

    transfer: Mapped[Transfer] = relationship()
    campaign: Mapped[Campaign] = relationship()


class OwnerDebt(Model):
    """What an owner must give back of one campaign: paid more than the documents now say.

    ``left_amount`` = what was incurred, less what later documents restored, transfer reversals
    recovered and the platform gave up. In minor units.
    """

    __tablename__ = "owner_debt"
    __table_args__ = (
        sa.CheckConstraint(
            "restored_amount >= 0 AND recovered_amount >= 0 AND written_off_amount >= 0",
            name="parts_not_negative",
        ),
        sa.CheckConstraint(
            "left_amount >= 0 AND left_amount = incurred_amount - restored_amount"
            " - recovered_amount - written_off_amount",
            name="parts_sum_to_the_whole",
        ),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    campaign_id: Mapped[int] = big_id("campaign.id", unique=True)
    currency: Mapped[Currency]
    incurred_amount: Mapped[Minor] = mapped_column(default=0)
    restored_amount: Mapped[Minor] = mapped_column(default=0)
    recovered_amount: Mapped[Minor] = mapped_column(default=0)
    written_off_amount: Mapped[Minor] = mapped_column(default=0)
    left_amount: Mapped[Minor] = mapped_column(default=0)
    incurred_at: Mapped[Instant]

    campaign: Mapped[Campaign] = relationship()
