"""Share out what banks hold of a payment, so that nobody loses it twice.

Everybody here holds the locks of the payment and of its campaign.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Outcome
from campaigns.pledges.transitions import mark_taken_back
from payments.accounting import entries
from payments.context import Context
from payments.documents.counted import recounting
from payments.ledger.models import LedgerTransaction
from payments.ledger.posting import post, reverse
from payments.models import Dispute, DisputeStatus, Payment, Refund, RefundStatus, Resolution
from payments.policy import DisputeShares, fitting, share_dispute


def share_disputes(session: Session, payment: Payment, *, context: Context) -> None:
    """Say again whom the disputed money of a payment is missing to, and book what is lost.

    Done whenever a dispute or a refund of the payment has changed. A loss is booked once no
    refund of the payment is on its way: until then nobody knows what the bank's part is.
    """
    session.flush()
    disputes = session.scalars(
        sa.select(Dispute)
        .where(Dispute.payment_id == payment.id)
        .order_by(Dispute.id)
        .with_for_update(of=Dispute)
        .execution_options(populate_existing=True)
    ).all()
    if not disputes:
        return
    booked = _booked(session, disputes)
    pool = _Pool(payment, _unresolved(session, payment))
    for dispute in sorted(disputes, key=lambda one: one.id not in booked):
        if dispute.id in booked:
            pool.take(dispute)
        else:
            pool.share(dispute)
    with recounting(session, payment):
        payment.disputed_amount, payment.disputed_tip_amount = pool.missing()
    payment.is_contested = any(one.status is DisputeStatus.OPENED for one in disputes)
    session.flush()
    if not _is_refund_on_its_way(session, payment):
        for dispute in disputes:
            if dispute.status is DisputeStatus.LOST and dispute.id not in booked:
                _book_loss(session, dispute, pool, context=context)


def unbook_loss(session: Session, dispute: Dispute, *, context: Context) -> None:
    """Take back a loss that was booked: a later instance gave the money back after all."""
    if _booked(session, [dispute]):
        reverse(session, _reference(dispute), because="won", at=context.now)
        resolved = session.scalars(
            sa.select(Refund).where(
                Refund.payment_id == dispute.payment_id, Refund.resolution == Resolution.DISPUTED
            )
        )
        for refund in resolved:
            refund.resolution = refund.resolved_at = None


class _Pool:
    """What is left of a payment and of what its backer is owed, as disputes draw on it."""

    def __init__(self, payment: Payment, failed: Sequence[Refund]) -> None:
        left = payment.total_amount - payment.refunded_amount
        self._is_late = payment.is_late
        self._tip = 0 if payment.is_late else payment.tip_amount - payment.refunded_tip_amount
        self._funds = 0 if payment.is_late else left - self._tip
        self._late = left if payment.is_late else 0
        self._missing = 0
        self._missing_tip = 0
        self._failed = list(failed)
        self.covered: dict[int, list[Refund]] = {}

    def share(self, dispute: Dispute) -> None:
        """Share out what the bank holds by one dispute."""
        rest = max(dispute.withdrawn_amount - self._funds - self._tip - self._late, 0)
        covered = fitting([one.amount for one in self._failed], most=rest)
        self.covered[dispute.id] = [self._failed[position] for position in covered]
        self._failed = [one for n, one in enumerate(self._failed) if n not in covered]
        shares = share_dispute(
            withdrawn=dispute.withdrawn_amount,
            funds_left=self._funds,
            tip_left=self._tip,
            owed_left=self._late + sum(one.amount for one in self.covered[dispute.id]),
        )
        dispute.share(**_named(shares))
        self.take(dispute)

    def take(self, dispute: Dispute) -> None:
        """Count what one dispute has of the payment as missing."""
        late = min(dispute.owed_amount, self._late)
        self._funds -= dispute.funds_amount
        self._tip -= dispute.tip_amount
        self._late -= late
        self._missing += dispute.funds_amount + dispute.tip_amount + late
        self._missing_tip += dispute.tip_amount

    def missing(self) -> tuple[int, int]:
        """Return what is missing of the payment, and how much of that to its tip."""
        return self._missing, self._missing_tip


def _named(shares: DisputeShares) -> dict[str, int]:
    return {
        "funds": shares.funds_amount,
        "tip": shares.tip_amount,
        "owed": shares.owed_amount,
        "loss": shares.loss_amount,
    }


def _book_loss(session: Session, dispute: Dispute, pool: _Pool, *, context: Context) -> None:
    if dispute.withdrawn_amount == 0:
        return
    post(session, entries.dispute_lost(dispute, at=dispute.closed_at or context.now))
    for refund in pool.covered.get(dispute.id, []):
        refund.resolve(Resolution.DISPUTED, at=context.now)
    payment = dispute.payment
    if payment.refundable_amount == 0 and payment.campaign.outcome is not Outcome.SUCCEEDED:
        mark_taken_back(session, payment.pledge, at=context.now)


def _booked(session: Session, disputes: Sequence[Dispute]) -> set[int]:
    """Return the disputes whose loss stands in the ledger."""
    by_reference = {_reference(one): one.id for one in disputes}
    mirrored = {f"reversal:{reference}:won": id_ for reference, id_ in by_reference.items()}
    found = session.scalars(
        sa.select(LedgerTransaction.reference).where(
            LedgerTransaction.reference.in_([*by_reference, *mirrored])
        )
    ).all()
    taken_back = {mirrored[one] for one in found if one in mirrored}
    return {by_reference[one] for one in found if one in by_reference} - taken_back


def _reference(dispute: Dispute) -> str:
    return f"dispute_lost:{dispute.stripe_dispute_id}"


def _unresolved(session: Session, payment: Payment) -> Sequence[Refund]:
    return session.scalars(
        sa.select(Refund)
        .where(
            Refund.payment_id == payment.id,
            Refund.owed(),
        )
        .order_by(Refund.id)
    ).all()


def _is_refund_on_its_way(session: Session, payment: Payment) -> bool:
    pending = sa.select(Refund.id).where(
        Refund.payment_id == payment.id, Refund.status == RefundStatus.PENDING
    )
    return session.scalar(pending.limit(1)) is not None
