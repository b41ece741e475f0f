"""The saved card: what an ``on_success`` pledge leaves with Stripe until the goal is reached."""

from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models import Campaign, Pledge
from octo.database import Id, Instant, Model, PublicId, big_id, status_column
from payments.models.payment import STRIPE_ID_LENGTH


class CardStatus(StrEnum):
    """Where the saving of a card stands; ``forgotten`` is detached at Stripe."""

    PENDING = "pending"
    SAVED = "saved"
    FORGOTTEN = "forgotten"
    EXPIRED = "expired"


_RANK: Final = {
    CardStatus.PENDING: 0,
    CardStatus.EXPIRED: 1,
    CardStatus.SAVED: 2,
    CardStatus.FORGOTTEN: 3,
}


class SavedCard(Model):
    """The card a backer leaves with Stripe for one pledge; it is charged once, or never.

    Stripe keeps the card; we keep its references, and what lets its holder recognise it
    (``brand``, ``last4``). ``reminders_count`` is how many mails after the first one asked to
    repair the payment.
    """

    __tablename__ = "saved_card"
    __table_args__ = (
        sa.CheckConstraint(
            "status NOT IN ('saved', 'forgotten') OR (stripe_setup_intent_id IS NOT NULL"
            " AND stripe_customer_id IS NOT NULL AND stripe_payment_method_id IS NOT NULL"
            " AND saved_at IS NOT NULL)",
            name="saved_can_be_charged",
        ),
        sa.CheckConstraint("reminders_count >= 0", name="reminders_not_negative"),
        sa.Index("ix_saved_card_campaign_id_status", "campaign_id", "status"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    pledge_id: Mapped[int] = big_id("pledge.id", unique=True)
    campaign_id: Mapped[int] = big_id("campaign.id")
    status: Mapped[CardStatus] = status_column(CardStatus, default=CardStatus.PENDING)
    stripe_checkout_session_id: Mapped[str | None] = mapped_column(
        sa.String(STRIPE_ID_LENGTH), unique=True
    )
    stripe_setup_intent_id: Mapped[str | None] = mapped_column(
        sa.String(STRIPE_ID_LENGTH), unique=True
    )
    stripe_customer_id: Mapped[str | None] = mapped_column(sa.String(STRIPE_ID_LENGTH))
    stripe_payment_method_id: Mapped[str | None] = mapped_column(
        sa.String(STRIPE_ID_LENGTH), unique=True
    )
    brand: Mapped[str] = mapped_column(sa.String(24), default="")
    last4: Mapped[str] = mapped_column(sa.String(4), default="")
    reminders_count: Mapped[int] = mapped_column(default=0)
    checkout_url: Mapped[str | None] = mapped_column(sa.Text())
    checkout_expires_at: Mapped[Instant | None]
    created_at: Mapped[Instant]
    saved_at: Mapped[Instant | None]
    checked_at: Mapped[Instant | None]

    pledge: Mapped[Pledge] = relationship()
    campaign: Mapped[Campaign] = relationship()

    @property
    def is_resolved(self) -> bool:
        """Tell whether the card was saved, or can no longer be."""
        return self.status is not CardStatus.PENDING

    def advance_to(self, status: CardStatus) -> bool:
        """Take in a state Stripe reports; an older one changes nothing and returns ``False``."""
        if _RANK[status] <= _RANK[self.status]:
            return False
        self.status = status
        return True
