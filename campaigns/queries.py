"""What pages and the API read of campaigns: each function one query, or one and a count."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from campaigns.models import (
    Campaign,
    CampaignStatus,
    Category,
    Outcome,
    Supporter,
)
from campaigns.permissions import EDIT_CAMPAIGN, SEE_OWN_CAMPAIGN
from octo.accounts.models import Organisation, User
from octo.accounts.organisations import list_own_organisations
from octo.accounts.permissions import organisations_where
from octo.accounts.trail import AuditEntry, trail_of
from octo.database import reading, sum_or_zero
from octo.errors import N_, NotFoundError
from octo.paging import Window, narrowed
from octo.permissions import Permission, demand, may
from octo.search import matching

PAGE_SIZE: Final = 12
EACH_ON_HOME: Final = 6
_LISTED: Final = (
    CampaignStatus.LIVE,
    CampaignStatus.GATHERING,
    CampaignStatus.CLOSING,
    CampaignStatus.COLLECTING,
    CampaignStatus.SETTLING,
    CampaignStatus.SETTLED,
)


class Stage(StrEnum):
    """What a visitor looks for among campaigns."""

    LIVE = "live"
    GATHERING = "gathering"
    SUCCEEDED = "succeeded"
    ENDED = "ended"


_SUCCEEDED: Final = sa.and_(
    Campaign.outcome == Outcome.SUCCEEDED, Campaign.status != CampaignStatus.COLLECTING
)
_STAGES: Final = {
    Stage.LIVE: Campaign.status == CampaignStatus.LIVE,
    Stage.GATHERING: Campaign.status == CampaignStatus.GATHERING,
    Stage.SUCCEEDED: _SUCCEEDED,
    Stage.ENDED: Campaign.status.in_(
        (
            CampaignStatus.CLOSING,
            CampaignStatus.COLLECTING,
            CampaignStatus.SETTLING,
            CampaignStatus.SETTLED,
        )
    ),
}


@dataclass(frozen=True)
class CampaignPage:
    """One page of a list of campaigns."""

    campaigns: Sequence[Campaign]
    page: int
    pages_count: int
    found_count: int


@dataclass(frozen=True)
class Home:
    """What the first page shows; ``raised_amount`` by currency, of succeeded campaigns."""

    live: Sequence[Campaign]
    gathering: Sequence[Campaign]
    succeeded: Sequence[Campaign]


@dataclass(frozen=True)
class Platform:
    """What all campaigns came to; the amount is of the platform's own currency."""

    succeeded_count: int
    backers_count: int
    raised_amount: int


_KIND: Final = sa.case(
    (Campaign.status == CampaignStatus.LIVE, 0),
    (Campaign.status == CampaignStatus.GATHERING, 1),
    else_=2,
)
_RANKED: Final = (
    sa.select(
        Campaign.id,
        sa.func.row_number()
        .over(partition_by=_KIND, order_by=(Campaign.deadline_at, Campaign.id.desc()))
        .label("rank"),
    )
    .where(sa.or_(Campaign.status.in_((CampaignStatus.LIVE, CampaignStatus.GATHERING)), _SUCCEEDED))
    .subquery()
)
_HOME: Final = (
    sa.select(Campaign)
    .join(_RANKED, _RANKED.c.id == Campaign.id)
    .where(_RANKED.c.rank <= EACH_ON_HOME)
    .join(Campaign.organisation)
    .options(contains_eager(Campaign.organisation))
    .order_by(_RANKED.c.rank)
)


def list_home() -> Home:
    """Return the campaigns of the first page, in one query."""
    with reading() as session:
        found = session.scalars(_HOME).all()
    return Home(
        live=[c for c in found if c.status is CampaignStatus.LIVE],
        gathering=[c for c in found if c.status is CampaignStatus.GATHERING],
        succeeded=[c for c in found if c.outcome is Outcome.SUCCEEDED],
    )


def sum_platform(currency: str) -> Platform:
    """Return what all succeeded campaigns of a currency came to."""
    statement = sa.select(
        sa.func.count(Campaign.id),
        sum_or_zero(Campaign.backers_count),
        sum_or_zero(Campaign.pledged_amount),
    ).where(_SUCCEEDED, Campaign.currency == currency)
    with reading() as session:
        succeeded, backers, raised = session.execute(statement).one()
        return Platform(int(succeeded), int(backers), int(raised))


def browse_campaigns(
    *,
    words: str = "",
    category: Category | None = None,
    stage: Stage | None = None,
    page: int = 1,
    page_size: int = PAGE_SIZE,
) -> CampaignPage:
    """Search public campaigns: each word in the title, the summary, the place or the owner."""
    where: list[sa.ColumnElement[bool]] = [
        _STAGES[stage] if stage else Campaign.status.in_(_LISTED)
    ]
    if category:
        where.append(Campaign.category == category)
    where += matching(words, Campaign.title, Campaign.summary, Campaign.place, Organisation.name)
    order = (
        sa.case(
            {CampaignStatus.LIVE: 0, CampaignStatus.GATHERING: 1}, value=Campaign.status, else_=2
        ),
        Campaign.deadline_at.desc(),
        Campaign.id.desc(),
    )
    with reading() as session:
        count = sa.select(sa.func.count(Campaign.id)).join(Campaign.organisation).where(*where)
        found_count = session.execute(count).scalar_one()
        pages_count = max(1, -(-found_count // page_size))
        page = min(max(page, 1), pages_count)
        statement = (
            sa.select(Campaign)
            .join(Campaign.organisation)
            .options(contains_eager(Campaign.organisation))
            .where(*where)
            .order_by(*order)
            .limit(page_size)
            .offset((page - 1) * page_size)
        )
        return CampaignPage(session.scalars(statement).all(), page, pages_count, found_count)


def get_campaign(*, user: User | None = None, **by: str) -> Campaign:
    """Return a campaign with all its page shows; one not public is there for its owners alone."""
    campaign = get_any_campaign(**by)
    is_shown = campaign.is_public or (user is not None and may(SEE_OWN_CAMPAIGN, user, campaign))
    if not is_shown:
        raise NotFoundError(N_("Nothing was found at this address."))
    return campaign


def get_own_campaign(
    campaign_id: str, *, user: User, permission: Permission = SEE_OWN_CAMPAIGN
) -> Campaign:
    """Return a campaign for which ``user`` has a permission, or refuse."""
    campaign = get_any_campaign(public_id=campaign_id)
    demand(permission, user, campaign)
    return campaign


def get_any_campaign(**by: str) -> Campaign:
    """Return a campaign whatever its status, for moderators and commands."""
    statement = (
        sa.select(Campaign)
        .filter_by(**by)
        .options(
            joinedload(Campaign.organisation),
            selectinload(Campaign.rewards),
            selectinload(Campaign.cost_lines),
        )
        .execution_options(populate_existing=True)
    )
    with reading() as session:
        campaign = session.scalars(statement).unique().one_or_none()
        if campaign is None:
            raise NotFoundError(N_("Nothing was found at this address."))
        return campaign


def list_all_campaigns(status: CampaignStatus | None = None) -> Sequence[Campaign]:
    """Return every campaign, newest first, for commands."""
    statement = (
        sa.select(Campaign).options(joinedload(Campaign.organisation)).order_by(Campaign.id.desc())
    )
    if status is not None:
        statement = statement.where(Campaign.status == status)
    with reading() as session:
        return session.scalars(statement).all()


def list_own_campaigns(user: User, *, window: Window | None = None) -> Sequence[Campaign]:
    """Return the campaigns a user runs, newest first."""
    statement = (
        sa.select(Campaign)
        .where(Campaign.organisation_id.in_(organisations_where(SEE_OWN_CAMPAIGN, user)))
        .options(
            joinedload(Campaign.organisation),
            selectinload(Campaign.rewards),
            selectinload(Campaign.cost_lines),
        )
        .order_by(Campaign.id.desc())
    )
    with reading() as session:
        return session.scalars(narrowed(statement, window)).all()


def list_organisations(user: User) -> Sequence[Organisation]:
    """Return the organisations whose campaigns a user may write."""
    with reading() as session:
        return list_own_organisations(session, user, permission=EDIT_CAMPAIGN)


def list_to_review(*, window: Window | None = None) -> Sequence[Campaign]:
    """Return what waits for a moderator, the oldest submission first."""
    return _list_in((CampaignStatus.SUBMITTED,), Campaign.submitted_at, window=window)


def list_watched(*, window: Window | None = None) -> Sequence[Campaign]:
    """Return the campaigns a moderator may have to act on after their approval."""
    return _list_in(
        (CampaignStatus.GATHERING, CampaignStatus.LIVE, CampaignStatus.SUSPENDED),
        Campaign.deadline_at,
        window=window,
    )


def list_audit(subject: str, *, window: Window | None = None) -> Sequence[AuditEntry]:
    """Return the trail of a subject with the name of who acted, the oldest act first."""
    with reading() as session:
        return trail_of(session, subject, window=window)


def list_supporters(
    campaign: Campaign, *, are_verified: bool = True, window: Window | None = None
) -> Sequence[Supporter]:
    """Return who stands behind a launch."""
    statement = sa.select(Supporter).filter_by(campaign_id=campaign.id).order_by(Supporter.id)
    if are_verified:
        statement = statement.where(Supporter.verified_at.is_not(None))
    with reading() as session:
        return session.scalars(narrowed(statement, window)).all()


def _list_in(
    statuses: Sequence[CampaignStatus],
    order: sa.ColumnExpressionArgument[object],
    *,
    window: Window | None,
) -> Sequence[Campaign]:
    statement = (
        sa.select(Campaign)
        .where(Campaign.status.in_(statuses))
        .options(joinedload(Campaign.organisation))
        .order_by(order, Campaign.id)
    )
    with reading() as session:
        return session.scalars(narrowed(statement, window)).all()
