"""What counts of pledges, by what became of their payments; see ``campaigns.policy.counting``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Pledge, PledgeStatus
from campaigns.pledges.transitions import recount
from campaigns.policy.counting import what_counts
from octo.database import sum_or_zero
from payments.models import Payment

PAYS: Final = sa.and_(Payment.pledge_id == Pledge.id, Payment.is_counted)
HAS_PAYMENT: Final = sa.exists().where(Payment.pledge_id == Pledge.id).correlate(Pledge)
IS_PAID: Final = sa.exists().where(PAYS).correlate(Pledge)


def read_counted(session: Session, *pledges: sa.ColumnElement[bool]) -> int:
    """Return what counts of the active pledges for which all this is true, in minor units."""
    session.flush()
    pledged, refunded, withdrawn = session.execute(
        sa.select(
            sum_or_zero(Pledge.amount),
            sum_or_zero(Payment.refunded_funds_amount),
            sum_or_zero(Payment.disputed_funds_amount),
        )
        .select_from(Pledge)
        .outerjoin(Payment, PAYS)
        .where(Pledge.status == PledgeStatus.ACTIVE, *pledges)
    ).one()
    return what_counts(pledged=int(pledged), refunded=int(refunded), withdrawn=int(withdrawn))


def read_counted_each(session: Session, pledge_ids: Sequence[int]) -> dict[int, int]:
    """Return what counts of each of these paid pledges, in minor units."""
    payments = session.scalars(
        sa.select(Payment).where(Payment.pledge_id.in_(pledge_ids), Payment.is_counted)
    )
    return {payment.pledge_id: _counted(payment) for payment in payments}


def is_with_bank(session: Session, pledge_id: int) -> bool:
    """Tell whether a bank contests what pays a pledge, or has taken back all that was left."""
    session.flush()
    is_all_taken = sa.and_(
        Payment.disputed_amount > 0,
        Payment.refunded_amount + Payment.disputed_amount == Payment.amount + Payment.tip_amount,
    )
    held = sa.exists().where(
        Payment.pledge_id == pledge_id, sa.or_(Payment.is_contested, is_all_taken)
    )
    return session.scalar(sa.select(held)) is True


@contextmanager
def recounting(session: Session, payment: Payment) -> Iterator[None]:
    """Have a campaign count what the block leaves of a payment, in the same transaction.

    The caller holds the locks of the pledge, the payment and the campaign.
    """
    was = _counted(payment)
    yield
    recount(session, payment.pledge, change=_counted(payment) - was)


def _counted(payment: Payment) -> int:
    if not payment.is_counted:
        return 0
    return what_counts(
        pledged=payment.amount,
        refunded=payment.refunded_funds_amount,
        withdrawn=payment.disputed_funds_amount,
    )
