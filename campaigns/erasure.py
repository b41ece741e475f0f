"""What campaigns do when a person erases their account: wait while money moves, then forget."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import (
    Campaign,
    CampaignStatus,
    Pledge,
    PledgeStatus,
    Supporter,
    Visibility,
)
from octo.accounts.erasure import StillNeededError
from octo.accounts.members import organisations_owned_alone
from octo.accounts.models import User
from octo.errors import N_

_AT_REST: Final = (CampaignStatus.DRAFT, CampaignStatus.REJECTED, CampaignStatus.SETTLED)
_MONEY_MOVES: Final = (PledgeStatus.PENDING, PledgeStatus.ACTIVE)


def forget_person(session: Session, user: User) -> None:
    """Take a person out of pledges and supports, or raise ``StillNeededError``.

    Amounts, dates and Stripe's references stay: the law has the books kept. A backer whose
    money may still come back must stay reachable, and a campaign under way needs somebody.
    """
    _refuse_while_pledged(session, user)
    _refuse_while_alone(session, user)
    theirs = sa.or_(Pledge.user_id == user.id, Pledge.email == user.email)
    session.execute(
        sa.update(Pledge)
        .where(theirs)
        .values(
            email=user.pseudonym,
            name="",
            message="",
            address=sa.null(),
            visibility=Visibility.ANONYMOUS,
        )
        .execution_options(synchronize_session=False)
    )
    supports = session.scalars(sa.select(Supporter).where(Supporter.email == user.email))
    for support in supports:
        support.email = user.pseudonym
        support.name = ""
        support.word = ""


def _refuse_while_pledged(session: Session, user: User) -> None:
    under_way = (
        sa.select(Pledge.id)
        .where(
            sa.or_(Pledge.user_id == user.id, Pledge.email == user.email),
            Pledge.status.in_(_MONEY_MOVES),
        )
        .limit(1)
    )
    if session.scalar(under_way) is not None:
        raise StillNeededError(
            N_("A pledge of yours is under way: cancel it, or wait until its campaign is settled.")
        )


def _refuse_while_alone(session: Session, user: User) -> None:
    """Refuse when a campaign under way would be left with nobody to run it."""
    alone = (
        sa.select(Campaign.id)
        .where(
            Campaign.organisation_id.in_(organisations_owned_alone(user.id)),
            Campaign.status.not_in(_AT_REST),
        )
        .limit(1)
    )
    if session.scalar(alone) is not None:
        raise StillNeededError(
            N_(
                "You alone run a campaign that is under way: invite somebody to your "
                "organisation, or wait until it is settled."
            )
        )
