"""What a campaign promises in return, and what it spends the money on."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models.campaign import Campaign
from campaigns.models.limits import LONGEST_LABEL, LONGEST_REWARD_TITLE
from octo.database import Id, Minor, Model, PublicId, big_id


class Reward(Model):
    """What a pledge of at least ``minimum_amount`` entitles to, perhaps in limited quantity.

    ``taken_count`` holds the units of pending and active pledges; the database refuses to
    sell the last one twice.
    """

    __tablename__ = "reward"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "position", name="uq_reward_position"),
        sa.UniqueConstraint("campaign_id", "title", name="uq_reward_title"),
        sa.CheckConstraint("minimum_amount > 0", name="minimum_positive"),
        sa.CheckConstraint("shipping_amount >= 0", name="shipping_not_negative"),
        sa.CheckConstraint("taken_count >= 0", name="taken_not_negative"),
        sa.CheckConstraint("stock IS NULL OR stock > 0", name="stock_positive"),
        sa.CheckConstraint("stock IS NULL OR taken_count <= stock", name="never_oversold"),
        sa.CheckConstraint(
            "shipping_amount = 0 OR is_shipped", name="shipping_paid_only_if_shipped"
        ),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    campaign_id: Mapped[int] = big_id("campaign.id")
    position: Mapped[int]
    title: Mapped[str] = mapped_column(sa.String(LONGEST_REWARD_TITLE))
    description: Mapped[str] = mapped_column(sa.Text(), default="")
    minimum_amount: Mapped[Minor]
    stock: Mapped[int | None]
    taken_count: Mapped[int] = mapped_column(default=0)
    delivery_on: Mapped[date | None]
    is_shipped: Mapped[bool] = mapped_column(default=False)
    shipping_amount: Mapped[Minor] = mapped_column(default=0)

    campaign: Mapped[Campaign] = relationship(back_populates="rewards")

    @property
    def left_count(self) -> int | None:
        """Return how many are left, or ``None`` when there is no limit."""
        return None if self.stock is None else self.stock - self.taken_count

    @property
    def is_sold_out(self) -> bool:
        """Tell whether none is left."""
        return self.left_count == 0


class CostLine(Model):
    """One thing the goal pays for."""

    __tablename__ = "cost_line"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "position", name="uq_cost_line_position"),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: Mapped[Id]
    campaign_id: Mapped[int] = big_id("campaign.id")
    position: Mapped[int]
    label: Mapped[str] = mapped_column(sa.String(LONGEST_LABEL))
    amount: Mapped[Minor]

    campaign: Mapped[Campaign] = relationship(back_populates="cost_lines")
