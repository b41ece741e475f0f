"""What counts of pledges, by what became of their payments; see ``campaigns.policy.counting``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Pledge, PledgeStatus
from campaigns.pledges.transitions import recount
from campaigns.policy.counting import what_counts
from payments.models import Payment, PaymentStatus

COUNTS: Final = sa.and_(Payment.status == PaymentStatus.SUCCEEDED, ~Payment.is_late)
PAYS: Final = sa.and_(Payment.pledge_id == Pledge.id, COUNTS)
HAS_PAYMENT: Final = sa.exists().where(Payment.pledge_id == Pledge.id).correlate(Pledge)
IS_PAID: Final = sa.exists().where(PAYS).correlate(Pledge)
REFUNDED: Final = Payment.refunded_amount - Payment.refunded_tip_amount
WITHDRAWN: Final = Payment.disputed_amount - Payment.disputed_tip_amount


def read_counted(session: Session, *pledges: sa.ColumnElement[bool]) -> int:
    """Return what counts of the active pledges for which all this is true, in minor units."""
    session.flush()
    pledged, refunded, withdrawn = session.execute(
        sa.select(_sum(Pledge.amount), _sum(REFUNDED), _sum(WITHDRAWN))
        .select_from(Pledge)
        .outerjoin(Payment, PAYS)
        .where(Pledge.status == PledgeStatus.ACTIVE, *pledges)
    ).one()
    return what_counts(pledged=int(pledged), refunded=int(refunded), withdrawn=int(withdrawn))


@contextmanager
def recounting(session: Session, payment: Payment) -> Iterator[None]:
    """Have a campaign count what the block leaves of a payment, in the same transaction.

    The caller holds the locks of the pledge, the payment and the campaign.
    """
    was = _counted(payment)
    yield
    recount(session, payment.pledge, change=_counted(payment) - was)


def _counted(payment: Payment) -> int:
    if payment.status is not PaymentStatus.SUCCEEDED or payment.is_late:
        return 0
    return what_counts(
        pledged=payment.amount,
        refunded=payment.refunded_amount - payment.refunded_tip_amount,
        withdrawn=payment.disputed_amount - payment.disputed_tip_amount,
    )


def _sum(amount: Any) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(amount), 0)
