"""Take in what becomes of a refund: it arrives, it fails, or a bank took the money first.

Everybody here holds the locks of the pledge, the payment and the campaign.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.deadline.transitions import reopen_settling
from campaigns.models import PledgeStatus
from campaigns.pledges.mails import mail_context
from campaigns.pledges.transitions import mark_refunded
from octo.mail.outbox import enqueue
from payments.accounting import entries
from payments.context import Context
from payments.gateway.facts import RefundFact
from payments.ledger.drafts import MovementFacts, TransactionDraft
from payments.ledger.posting import adopt_many, post
from payments.models import Dispute, Refund, RefundStatus
from payments.refunds.cancellation import DISPUTED, cancel_refund
from payments.refunds.dispute_split import share_disputes
from payments.refunds.requests import follow_refund

ENDED_BADLY: Final = frozenset({"failed", "canceled"})

_ENDED: Final = {
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
    "succeeded": RefundStatus.SUCCEEDED,
}
# https://docs.stripe.com/api/refunds/object: a refund that waited for money while a bank took it.
_BANK_HAS_IT: Final = frozenset({DISPUTED, "charge_for_pending_refund_disputed"})
_UNENDED: Final = frozenset({PledgeStatus.ACTIVE, PledgeStatus.COLLECTED})


def record_refund(session: Session, refund: Refund, seen: RefundFact, *, context: Context) -> None:
    """Take in what Stripe says of one refund; see ``record_refunds``."""
    record_refunds(session, [(refund, seen)], context=context)


def record_refunds(
    session: Session, seen: Sequence[tuple[Refund, RefundFact]], *, context: Context
) -> None:
    """Take in what Stripe says of refunds, whether by answer, webhook, poll or look-up.

    Posted when its movement exists, not on status: Stripe books nothing while a refund waits
    for funds. What arrives late and older is ignored. All of it is posted at once.
    """
    adopt_many(session, [one for refund, fact in seen for one in _adoptions(refund, fact)])
    ended = [refund for refund, fact in seen if _advance(session, refund, fact, context=context)]
    for refund in _disputed(session, ended):
        share_disputes(session, refund.payment, context=context)
        follow_refund(session, refund.payment, context=context)


def _adoptions(
    refund: Refund, seen: RefundFact
) -> Iterator[tuple[MovementFacts, TransactionDraft]]:
    if seen.movement is not None:
        yield seen.movement, entries.refund(refund, seen.movement)
    if seen.failure_movement is not None:
        yield seen.failure_movement, entries.refund_failed(refund, seen.failure_movement)


def _advance(session: Session, refund: Refund, seen: RefundFact, *, context: Context) -> bool:
    """Bring a refund to the state that Stripe reports; tell whether it has come to an end."""
    refund.stripe_refund_id = seen.id
    refund.pending_reason = seen.pending_reason
    if not refund.advance_to(_ENDED.get(seen.status, RefundStatus.PENDING), at=context.now):
        return False
    _record_end(session, refund, seen, at=context.now)
    return True


def _disputed(session: Session, refunds: Sequence[Refund]) -> Sequence[Refund]:
    """Choose the refunds of payments that a bank contests or contested."""
    if not refunds:
        return ()
    wanted = Dispute.payment_id.in_({refund.payment_id for refund in refunds})
    contested = set(session.scalars(sa.select(Dispute.payment_id).where(wanted)))
    return [refund for refund in refunds if refund.payment_id in contested]


def stop_disputed_refund(session: Session, refund: Refund, *, context: Context) -> None:
    """Close a refund that Stripe refuses because a bank took the money back.

    While the bank has not judged, what it does not hold waits; afterwards Stripe still refuses,
    so that the rest is owed to the backer in another way.
    """
    payment = refund.payment
    disputes = session.scalars(sa.select(Dispute).where(Dispute.payment_id == payment.id)).all()
    is_judged = bool(disputes) and all(one.closed_at is not None for one in disputes)
    if is_judged:
        refund.advance_to(RefundStatus.FAILED, at=context.now)
        _owe(session, refund, reason=DISPUTED, at=context.now)
    else:
        cancel_refund(session, refund, context=context)
    share_disputes(session, payment, context=context)
    payment.is_contested = payment.is_contested or not is_judged
    follow_refund(session, payment, context=context)


def _record_end(session: Session, refund: Refund, seen: RefundFact, *, at: datetime) -> None:
    """Say to the backer what became of a refund; a whole one ends the pledge that it paid.

    Not money that came too late, or a second time: the pledge never stood by it.
    """
    payment = refund.payment
    is_whole = payment.refundable_amount == 0 and not payment.is_late
    if refund.status is RefundStatus.FAILED:
        _owe(session, refund, reason=seen.failure_reason, at=at, has_left=seen.movement is not None)
    elif is_whole and payment.pledge.status in _UNENDED:
        mark_refunded(
            session,
            pledge=payment.pledge,
            returned_amount=payment.refunded_amount,
            withdrawn_amount=payment.disputed_amount,
            at=at,
        )
    else:
        tell_backer(session, refund, template="refund_sent", at=at)


def _owe(
    session: Session, refund: Refund, *, reason: str | None, at: datetime, has_left: bool = False
) -> None:
    """Owe a refund that failed to its backer, who is asked for another way to be paid.

    What never left is booked as owed here; what was owed already needs no entry. Nobody is asked
    while the backer's own bank holds the money.
    """
    refund.failure_reason = reason
    draft = None if has_left else entries.refund_never_left(refund, at=at)
    if draft is not None:
        post(session, draft)
    if reason not in _BANK_HAS_IT:
        tell_backer(session, refund, template="refund_failed", at=at)
    reopen_settling(session, refund.campaign, reason=f"{refund.public_id} failed", at=at)


def tell_backer(session: Session, refund: Refund, *, template: str, at: datetime) -> None:
    """Write to the backer about one refund."""
    pledge = refund.payment.pledge
    enqueue(
        session,
        to=pledge.email,
        locale=pledge.locale,
        template=template,
        context={**mail_context(pledge), "amount": refund.amount},
        at=at,
    )
