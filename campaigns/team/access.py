"""Who runs a campaign: the members of its organisation."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.accounts.models import Membership, Organisation, User
from octo.database import lock
from octo.errors import N_, ForbiddenError, NotFoundError


def is_member(session: Session, *, organisation_id: int, user: User) -> bool:
    """Tell whether a user belongs to an organisation."""
    statement = sa.select(Membership.id).filter_by(organisation_id=organisation_id, user_id=user.id)
    return session.execute(statement).first() is not None


def lock_own(session: Session, *, campaign_id: str, actor: User) -> Campaign:
    """Lock a campaign that ``actor`` runs; to anybody else it does not exist."""
    campaign = lock(session, Campaign, public_id=campaign_id)
    if not is_member(session, organisation_id=campaign.organisation_id, user=actor):
        raise NotFoundError(N_("Nothing was found at this address."))
    return campaign


def own_organisation(session: Session, *, organisation_id: str, actor: User) -> Organisation:
    """Return an organisation that ``actor`` belongs to, or refuse."""
    statement = sa.select(Organisation).filter_by(public_id=organisation_id)
    organisation = session.scalars(statement).one_or_none()
    if organisation is None or not is_member(session, organisation_id=organisation.id, user=actor):
        raise ForbiddenError(N_("Choose an organisation you belong to."), field="organisation")
    return organisation
