"""Mails about money to the people who run a campaign, in the transaction that moves it."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.events import campaign_facts
from campaigns.models import Campaign
from octo.accounts.models import Membership, User
from octo.mail.outbox import enqueue


def tell_owner(
    session: Session, campaign: Campaign, template: str, *, at: datetime, **more: object
) -> None:
    """Write a mail to each member of the campaign's organisation."""
    session.flush()
    members = (
        sa.select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organisation_id == campaign.organisation_id, User.active)
    )
    for user in session.scalars(members.order_by(User.id)):
        enqueue(
            session,
            to=user.email,
            locale=user.locale,
            template=template,
            context=campaign_facts(campaign) | {"name": user.name} | more,
            at=at,
        )
