"""What pages and the API read of pledges: each function one query."""

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from campaigns.models import Campaign, Pledge, PledgeLink, PledgeStatus, Visibility
from campaigns.policy.pledges import is_link_alive
from octo.accounts.models import User
from octo.database import reading
from octo.errors import N_, NotFoundError
from octo.ids import hash_token
from octo.paging import Page, Window

_SHOWN: Final = (PledgeStatus.ACTIVE, PledgeStatus.COLLECTED, PledgeStatus.REFUNDED)


def list_backers(campaign: Campaign, *, window: Window) -> Page[Pledge]:
    """Return a page of the pledges whose backers want to be seen, the latest first."""
    statement = (
        sa.select(Pledge)
        .where(
            Pledge.campaign_id == campaign.id,
            Pledge.status.in_(_SHOWN),
            Pledge.visibility != Visibility.ANONYMOUS,
        )
        .order_by(Pledge.confirmed_at.desc(), Pledge.id.desc())
    )
    with reading() as session:
        return window.cut(session.scalars(window.of(statement)).all())


def list_pledges(campaign: Campaign, *, window: Window) -> Page[Pledge]:
    """Return a page of the pledges of a campaign for its owner, the latest first."""
    statement = (
        sa.select(Pledge)
        .where(
            Pledge.campaign_id == campaign.id,
            Pledge.status.not_in((PledgeStatus.PENDING, PledgeStatus.EXPIRED)),
        )
        .options(joinedload(Pledge.reward))
        .order_by(Pledge.confirmed_at.desc(), Pledge.id.desc())
    )
    with reading() as session:
        return window.cut(session.scalars(window.of(statement)).all())


def list_own_pledges(user: User, *, window: Window) -> Page[Pledge]:
    """Return a page of the pledges of a user, the latest first."""
    statement = (
        sa.select(Pledge)
        .where(Pledge.user_id == user.id)
        .options(joinedload(Pledge.campaign), joinedload(Pledge.reward))
        .order_by(Pledge.id.desc())
    )
    with reading() as session:
        return window.cut(session.scalars(window.of(statement)).all())


def get_own_pledge(pledge_id: str, *, user: User) -> Pledge:
    """Return a pledge of this user; to anybody else it does not exist."""
    return _get_pledge(sa.and_(Pledge.public_id == pledge_id, Pledge.user_id == user.id))


def get_pledge_by_token(token: str, *, at: datetime) -> Pledge:
    """Return the pledge a mailed link opens, until 30 days after the settlement."""
    opened = sa.select(PledgeLink.pledge_id).where(
        PledgeLink.token_hash == hash_token(token), PledgeLink.revoked_at.is_(None)
    )
    pledge = _get_pledge(Pledge.id.in_(opened))
    if not is_link_alive(settled_at=pledge.campaign.settled_at, at=at):
        raise NotFoundError(N_("This link is not valid any more."))
    return pledge


def _get_pledge(which: sa.ColumnElement[bool]) -> Pledge:
    statement = (
        sa.select(Pledge)
        .where(which)
        .options(
            joinedload(Pledge.campaign).joinedload(Campaign.organisation),
            joinedload(Pledge.reward),
        )
        .execution_options(populate_existing=True)
    )
    with reading() as session:
        pledge = session.scalars(statement).one_or_none()
        if pledge is None:
            raise NotFoundError(N_("This link is not valid any more."))
        return pledge
