"""The settlement: our closing of one campaign, as the figures of a document; and its freezes."""

from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models import Campaign
from octo.database import Currency, Id, Instant, Minor, Model, big_id, status_column
from payments.models.document import Document


class SettlementKind(StrEnum):
    """What a settlement document is."""

    MAIN = "main"
    SUPPLEMENTARY = "supplementary"
    CREDIT_NOTE = "credit_note"


DOCUMENT_KINDS: Final = {
    SettlementKind.MAIN: "settlement",
    SettlementKind.SUPPLEMENTARY: "settlement",
    SettlementKind.CREDIT_NOTE: "credit_note",
}
"""The kind of document that carries the figures of each."""


class Settlement(Model):
    """The figures of an immutable document: what a campaign collected, what its owner is due.

    All amounts in minor units: base = gross - refunds - disputes, net = base - fee - VAT;
    processor fees and tips for information.
    """

    __tablename__ = "settlement"
    __table_args__ = (
        sa.CheckConstraint(
            "base_amount = gross_amount - refunds_amount - disputes_amount", name="base_adds_up"
        ),
        sa.CheckConstraint(
            "net_amount = base_amount - fee_amount - vat_amount", name="net_adds_up"
        ),
        sa.CheckConstraint("fee_amount >= 0 AND vat_amount >= 0", name="fees_not_negative"),
        sa.Index(
            "uq_settlement_main_once",
            "campaign_id",
            unique=True,
            sqlite_where=sa.text("kind = 'main'"),
            postgresql_where=sa.text("kind = 'main'"),
        ),
    )

    id: Mapped[Id]
    document_id: Mapped[int] = big_id("document.id", unique=True)
    campaign_id: Mapped[int] = big_id("campaign.id")
    kind: Mapped[SettlementKind] = status_column(SettlementKind)
    currency: Mapped[Currency]
    payments_count: Mapped[int]
    gross_amount: Mapped[Minor]
    refunds_amount: Mapped[Minor]
    disputes_amount: Mapped[Minor]
    base_amount: Mapped[Minor]
    fee_rate: Mapped[str] = mapped_column(sa.String(12))
    fee_amount: Mapped[Minor]
    vat_rate: Mapped[str] = mapped_column(sa.String(12))
    vat_amount: Mapped[Minor]
    net_amount: Mapped[Minor]
    processor_fees_amount: Mapped[Minor]
    tips_amount: Mapped[Minor]

    campaign: Mapped[Campaign] = relationship()
    document: Mapped[Document] = relationship(lazy="joined", innerjoin=True)


class Freeze(Model):
    """Why no money of one campaign may move until a person has looked."""

    __tablename__ = "freeze"
    __table_args__ = (
        sa.Index(
            "uq_freeze_open_once",
            "campaign_id",
            unique=True,
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    campaign_id: Mapped[int] = big_id("campaign.id")
    reason: Mapped[str] = mapped_column(sa.Text())
    frozen_at: Mapped[Instant]
    lifted_at: Mapped[Instant | None]
    lifted_by: Mapped[str | None] = mapped_column(sa.String(40))

    @classmethod
    def opened(cls) -> sa.ColumnElement[bool]:
        """Return the condition of the freezes that nobody has lifted."""
        return cls.lifted_at.is_(None)

    @classmethod
    def holds(cls, campaign_id: Any) -> sa.ColumnElement[bool]:
        """Return the condition that the money of a campaign is frozen, by its id or a column."""
        return sa.exists().where(cls.campaign_id == campaign_id, cls.opened())
