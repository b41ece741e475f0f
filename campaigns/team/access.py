"""Who may do what with this very campaign: asked where it is locked."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from campaigns.permissions import EDIT_CAMPAIGN
from octo.accounts.models import Organisation, User
from octo.accounts.permissions import SEE_ORGANISATION
from octo.database import lock
from octo.errors import N_, ForbiddenError
from octo.permissions import Permission, demand, may


def lock_permitted(
    session: Session, permission: Permission, *, campaign_id: str, actor: User
) -> Campaign:
    """Lock a campaign for which ``actor`` has a permission, or refuse."""
    campaign = lock(session, Campaign, public_id=campaign_id)
    demand(permission, actor, campaign)
    return campaign


def writable_organisation(session: Session, *, organisation_id: str, actor: User) -> Organisation:
    """Return an organisation whose campaigns ``actor`` may write, or refuse."""
    statement = sa.select(Organisation).filter_by(public_id=organisation_id)
    organisation = session.scalars(statement).one_or_none()
    if organisation is None or not may(SEE_ORGANISATION, actor, organisation):
        raise ForbiddenError(N_("Choose an organisation you belong to."), field="organisation")
    demand(EDIT_CAMPAIGN, actor, organisation)
    return organisation
