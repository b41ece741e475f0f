"""The supporter: a verified person who backs a launch with a word, before any money."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models.campaign import Campaign
from campaigns.models.limits import LONGEST_NAME, LONGEST_WORD
from octo.database import Id, Instant, Model, PublicId, big_id
from octo.email_address import LONGEST_EMAIL


class Supporter(Model):
    """A person who stands behind a campaign's launch; counts once the e-mail is verified."""

    __tablename__ = "supporter"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "email", name="uq_supporter_once"),)

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    campaign_id: Mapped[int] = big_id("campaign.id")
    email: Mapped[str] = mapped_column(sa.String(LONGEST_EMAIL))
    name: Mapped[str] = mapped_column(sa.String(LONGEST_NAME))
    word: Mapped[str] = mapped_column(sa.String(LONGEST_WORD), default="")
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[Instant]
    verified_at: Mapped[Instant | None]

    campaign: Mapped[Campaign] = relationship()
