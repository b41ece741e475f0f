"""Mails about money to the people who run a campaign, in the transaction that moves it."""

from datetime import datetime

from sqlalchemy.orm import Session

from campaigns.events import campaign_facts
from campaigns.models import Campaign
from octo.accounts.members import active_members
from octo.mail.outbox import enqueue


def tell_owner(
    session: Session, campaign: Campaign, template: str, *, at: datetime, **more: object
) -> None:
    """Write a mail to each member of the campaign's organisation."""
    session.flush()
    for user in active_members(session, campaign.organisation_id):
        enqueue(
            session,
            to=user.email,
            locale=user.locale,
            template=template,
            context=campaign_facts(campaign) | {"name": user.name} | more,
            at=at,
        )
