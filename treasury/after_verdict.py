"""What the treasury reads of money after the verdict: documents, transfers, debts, refunds owed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from campaigns.models import Campaign
from octo.database import reading
from octo.errors import N_, NotFoundError
from octo.paging import Window, narrowed
from payments.models import (
    OwnerDebt,
    Payment,
    Refund,
    RefundStatus,
    Settlement,
    Transfer,
    TransferReversal,
)
from payments.policy import LastDay
from payments.settlement.refund_all import find_last_day


@dataclass(frozen=True)
class AfterVerdict:
    """What has become of one campaign's money since the verdict, in the order it happened."""

    documents: Sequence[Settlement]
    transfers: Sequence[Transfer]
    reversals: Sequence[TransferReversal]
    debt: OwnerDebt | None
    last_day: LastDay | None
    is_urgent: bool


def read_after_verdict(campaign_id: int, *, at: datetime) -> AfterVerdict:
    """Read the documents of a campaign, what paid them, and what its owner owes."""

    def rows(model: type[Settlement] | type[Transfer] | type[TransferReversal]) -> Sequence[object]:
        wanted = sa.select(model).where(model.campaign_id == campaign_id).order_by(model.id)
        return session.scalars(wanted).all()

    with reading() as session:
        last_day = find_last_day(session, campaign_id)
        of_campaign = sa.select(OwnerDebt).where(OwnerDebt.campaign_id == campaign_id)
        return AfterVerdict(
            documents=[one for one in rows(Settlement) if isinstance(one, Settlement)],
            transfers=[one for one in rows(Transfer) if isinstance(one, Transfer)],
            reversals=[one for one in rows(TransferReversal) if isinstance(one, TransferReversal)],
            debt=session.scalars(of_campaign).one_or_none(),
            last_day=last_day,
            is_urgent=last_day is not None and at >= last_day.offered_at,
        )


def list_debts(*, window: Window | None = None) -> Sequence[OwnerDebt]:
    """List what owners still owe, the oldest first."""
    statement = (
        sa.select(OwnerDebt)
        .where(OwnerDebt.left_amount > 0)
        .options(joinedload(OwnerDebt.campaign).joinedload(Campaign.organisation))
        .order_by(OwnerDebt.incurred_at, OwnerDebt.id)
    )
    with reading() as session:
        return session.scalars(narrowed(statement, window)).all()


def list_waiting_refunds(*, window: Window | None = None) -> Sequence[Refund]:
    """List the refunds that Stripe keeps waiting for money on the balance, the oldest first."""
    statement = (
        sa.select(Refund)
        .where(Refund.status == RefundStatus.PENDING, Refund.pending_reason.is_not(None))
        .options(joinedload(Refund.campaign))
        .order_by(Refund.id)
    )
    with reading() as session:
        return session.scalars(narrowed(statement, window)).all()


def get_refund(refund_id: str) -> Refund:
    """Return one refund by public id; raises ``NotFoundError``."""
    with reading() as session:
        found = session.scalars(
            sa.select(Refund)
            .where(Refund.public_id == refund_id)
            .options(
                joinedload(Refund.campaign), joinedload(Refund.payment).joinedload(Payment.pledge)
            )
        ).one_or_none()
    if found is None:
        raise NotFoundError(N_("Nothing was found at this address."))
    return found


def get_transfer(transfer_id: str) -> Transfer:
    """Return one transfer by public id; raises ``NotFoundError``."""
    with reading() as session:
        found = session.scalars(
            sa.select(Transfer)
            .where(Transfer.public_id == transfer_id)
            .options(joinedload(Transfer.campaign), joinedload(Transfer.settlement))
        ).one_or_none()
    if found is None:
        raise NotFoundError(N_("Nothing was found at this address."))
    return found
