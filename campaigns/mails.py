"""Which event of a campaign is told to whom, by which mail, and who those people are.

What is written to one backer about money stands in ``campaigns.pledges.mails``: it is one
commit with that money.
"""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.events import CampaignEvent
from campaigns.models import Campaign, Pledge, PledgeStatus, Supporter
from octo.accounts.members import members_of
from octo.accounts.models import Organisation, Role, RoleName, User
from octo.errors import N_
from octo.events.record import Event
from octo.mail.audiences import Announcement, Audience, Recipient
from octo.mail.kinds import MailKind

OWN_CAMPAIGNS: Final = MailKind("own_campaigns", N_("How the campaigns that I run are going"))
REVIEWS: Final = MailKind("reviews", N_("Campaigns to review, for moderators"))


def find_members(session: Session, event: Event, *, after: int, limit: int) -> Sequence[Recipient]:
    """Find the members of the organisation that runs the campaign."""
    organisation = sa.select(Organisation.id).where(Organisation.public_id == event.organisation)
    members = sa.select(User).where(User.id.in_(members_of(organisation.scalar_subquery())))
    return _users(session, members, after=after, limit=limit)


def find_moderators(
    session: Session, event: Event, *, after: int, limit: int
) -> Sequence[Recipient]:
    """Find everybody who reviews campaigns."""
    del event
    is_moderator = User.roles.any(Role.name == RoleName.MODERATOR)
    return _users(session, sa.select(User).where(is_moderator), after=after, limit=limit)


def find_backers(session: Session, event: Event, *, after: int, limit: int) -> Sequence[Recipient]:
    """Find whose pledge to the campaign counted, but for those who canceled it themselves."""
    pledges = session.scalars(
        sa.select(Pledge)
        .join(Campaign, Campaign.id == Pledge.campaign_id)
        .where(
            Campaign.public_id == event.campaign,
            Pledge.confirmed_at.is_not(None),
            Pledge.status != PledgeStatus.CANCELED,
            Pledge.id > after,
        )
        .order_by(Pledge.id)
        .limit(limit)
    )
    return [Recipient(one.id, one.email, one.locale, one.name) for one in pledges]


def find_supporters(
    session: Session, event: Event, *, after: int, limit: int
) -> Sequence[Recipient]:
    """Find who stood behind the launch of the campaign; they read French, as nobody asked them."""
    supporters = session.scalars(
        sa.select(Supporter)
        .join(Campaign, Campaign.id == Supporter.campaign_id)
        .where(
            Campaign.public_id == event.campaign,
            Supporter.verified_at.is_not(None),
            Supporter.id > after,
        )
        .order_by(Supporter.id)
        .limit(limit)
    )
    return [Recipient(one.id, one.email, "fr", one.name) for one in supporters]


def _users(
    session: Session, people: sa.Select[User], *, after: int, limit: int
) -> Sequence[Recipient]:
    wanted = people.where(User.active, User.id > after).order_by(User.id).limit(limit)
    return [Recipient(one.id, one.email, one.locale, one.name) for one in session.scalars(wanted)]


MEMBERS: Final = Audience("members", find_members)
MODERATORS: Final = Audience("moderators", find_moderators)
BACKERS: Final = Audience("backers", find_backers)
SUPPORTERS: Final = Audience("supporters", find_supporters)

ANNOUNCEMENTS: Final = (
    Announcement(CampaignEvent.SUBMITTED, "campaign_submitted", MEMBERS),
    Announcement(CampaignEvent.SUBMITTED, "campaign_to_review", MODERATORS),
    Announcement(CampaignEvent.CHANGES_REQUESTED, "campaign_changes_requested", MEMBERS),
    Announcement(CampaignEvent.APPROVED, "campaign_approved", MEMBERS),
    Announcement(CampaignEvent.REJECTED, "campaign_rejected", MEMBERS),
    Announcement(CampaignEvent.SUPPORTERS_GATHERED, "supporters_gathered", MEMBERS),
    Announcement(CampaignEvent.LAUNCHED, "campaign_launched", MEMBERS),
    Announcement(CampaignEvent.EXTENDED, "campaign_extended", MEMBERS),
    Announcement(CampaignEvent.EXTENDED_FOR_OUTAGE, "campaign_extended_for_outage", MEMBERS),
    Announcement(CampaignEvent.SUSPENDED, "campaign_suspended", MEMBERS),
    Announcement(CampaignEvent.RESUMED, "campaign_resumed", MEMBERS),
    Announcement(CampaignEvent.CANCELED, "campaign_canceled", MEMBERS),
    Announcement(CampaignEvent.SUCCEEDED, "campaign_succeeded", MEMBERS),
    Announcement(CampaignEvent.FAILED, "campaign_failed", MEMBERS),
    Announcement(CampaignEvent.COLLECTING, "campaign_collecting", MEMBERS),
    Announcement(CampaignEvent.COLLECTED, "campaign_collected", MEMBERS),
    Announcement(CampaignEvent.FELL_SHORT, "campaign_fell_short", MEMBERS),
    Announcement(CampaignEvent.GIVEN_BACK, "campaign_given_back", MEMBERS),
    Announcement(CampaignEvent.SETTLED, "campaign_settled", MEMBERS),
)
