"""Mails about a campaign: to the people who run it, and to those who review it."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.accounts.models import Membership, Role, RoleName, User
from octo.mail.outbox import enqueue


def tell_owner(
    session: Session, campaign: Campaign, template: str, *, at: datetime, **more: object
) -> None:
    """Write a mail to each member of the campaign's organisation."""
    statement = (
        sa.select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organisation_id == campaign.organisation_id, User.active)
    )
    _tell(session, campaign, statement, template, at=at, **more)


def tell_moderators(session: Session, campaign: Campaign, template: str, *, at: datetime) -> None:
    """Write a mail to each moderator."""
    statement = sa.select(User).where(User.active, User.roles.any(Role.name == RoleName.MODERATOR))
    _tell(session, campaign, statement, template, at=at)


def _tell(
    session: Session,
    campaign: Campaign,
    people: sa.Select[User],
    template: str,
    *,
    at: datetime,
    **more: object,
) -> None:
    session.flush()
    for user in session.scalars(people.order_by(User.id)):
        enqueue(
            session,
            to=user.email,
            locale=user.locale,
            template=template,
            context=_context(campaign) | {"name": user.name} | more,
            at=at,
        )


def _context(campaign: Campaign) -> dict[str, object]:
    return {
        "campaign_title": campaign.title,
        "campaign_slug": campaign.slug,
        "campaign_id": campaign.public_id,
        "goal_amount": campaign.goal_amount,
        "pledged_amount": campaign.pledged_amount,
        "backers_count": campaign.backers_count,
        "currency": campaign.currency,
        "deadline_at": campaign.deadline_at.isoformat() if campaign.deadline_at else "",
        "time_zone": campaign.time_zone,
        "reason": "",
    }
