"""Find owners who became ready, or no longer are, although no webhook says so.

Stripe's list of events has none of Accounts v2, so that each account is asked for. It is asked as
often as somebody waits for it: a campaign that gathers, runs or is to be paid.
"""

from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus
from octo.clock import Clock
from octo.database import reading
from octo.scheduler import JobReport
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import ConnectedAccount, OwnerReadiness
from payments.owners.onboarding import owner_is_ready, refresh_owner

ASKED_EVERY: Final = timedelta(minutes=4)
AT_ONCE: Final = 10
_BEING_PAID: Final = (CampaignStatus.COLLECTING, CampaignStatus.SETTLING)
_WAITING: Final = (
    *(CampaignStatus.GATHERING, CampaignStatus.LIVE, CampaignStatus.SUSPENDED),
    *(CampaignStatus.CLOSING, *_BEING_PAID),
)


def poll_owners(*, gateway: Gateway, clock: Clock) -> JobReport:
    """Ask Stripe about the next owners whom a campaign waits for; count those that changed."""
    changed = 0
    for organisation_id in _due(clock):
        was_ready = owner_is_ready(organisation_id)
        try:
            refresh_owner(organisation_id, gateway=gateway, clock=clock)
        except StripeAwayError:
            return JobReport(done=changed, is_away=True)
        changed += owner_is_ready(organisation_id) is not was_ready
    return JobReport(done=changed)


def _due(clock: Clock) -> list[int]:
    account = ConnectedAccount
    is_ready = account.readiness == OwnerReadiness.ACTIVE
    earlier = account.checked_at < clock.machine_now() - ASKED_EVERY
    statement = (
        sa.select(account.organisation_id)
        .where(
            account.stripe_account_id.is_not(None),
            account.readiness != OwnerReadiness.CLOSED,
            sa.or_(
                sa.and_(~is_ready, sa.or_(account.checked_at.is_(None), earlier), _has(_WAITING)),
                sa.and_(is_ready, earlier, _has(_BEING_PAID)),
            ),
        )
        .order_by(account.checked_at, account.id)
        .limit(AT_ONCE)
    )
    with reading() as session:
        return list(session.scalars(statement))


def _has(statuses: tuple[CampaignStatus, ...]) -> sa.ColumnElement[bool]:
    """Return the condition of owners with a campaign in one of these states."""
    return (
        sa.exists()
        .where(
            Campaign.organisation_id == ConnectedAccount.organisation_id,
            Campaign.status.in_(statuses),
        )
        .correlate(ConnectedAccount)
    )
