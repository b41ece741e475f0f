"""The one order in which rows are locked: pledges by id, payments, campaigns, then all others.

Whoever keeps to it never waits in a circle. An attempt is locked before any of them by who writes
its outcome, and never waited for by anybody else.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Pledge
from octo.database import lock, lock_all
from payments.models import Payment


def lock_payment(session: Session, **by: object) -> Payment:
    """Lock a payment and, before it, its pledge; raises ``NotFoundError`` when there is none."""
    of = sa.select(Payment.pledge_id).filter_by(**by).scalar_subquery()
    lock(session, Pledge, id=of)
    return lock(session, Payment, **by)


def lock_payments(
    session: Session,
    wanted: sa.ColumnElement[bool],
    *,
    limit: int | None = None,
) -> Sequence[Payment]:
    """Lock the payments that are wanted, their pledges before and their campaigns after them.

    Those that are not wanted any more once they are locked are left out.
    """
    found = session.execute(
        sa.select(Payment.id, Payment.pledge_id, Payment.campaign_id)
        .where(wanted)
        .order_by(Payment.id)
        .limit(limit)
    ).all()
    pledges = Pledge.id.in_([pledge_id for _, pledge_id, _ in found])
    payments = Payment.id.in_([payment_id for payment_id, _, _ in found])
    campaigns = Campaign.id.in_({campaign_id for *_, campaign_id in found})
    lock_all(session, Pledge, pledges)
    locked = lock_all(session, Payment, payments, wanted)
    lock_all(session, Campaign, campaigns)
    return locked
