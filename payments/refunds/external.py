"""Refunds made by hand in Stripe's dashboard: taken in, and never made a second time.

Everybody here holds the locks of the pledge, the payment and the campaign.
"""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.database import sum_or_zero
from payments.context import Context
from payments.gateway.facts import RefundFact
from payments.models import Payment, Refund, RefundReason, RefundStatus, Resolution
from payments.refunds.cancellation import cancel_refund, cancel_unsent_refunds
from payments.refunds.outcomes import ENDED_BADLY, record_refund
from payments.refunds.requests import (
    add_not_due,
    add_refund,
    add_second_try,
    follow_refund,
    next_refund_number,
    refund_rest,
)

_OF_A_PART: Final = frozenset({RefundReason.TREASURER, RefundReason.EXTERNAL})


def adopt_refund(
    session: Session, payment: Payment, seen: RefundFact, *, context: Context
) -> Refund | None:
    """Find the refund a fact is about, or write down one made by hand.

    One of ours that waits to be sent makes room, and the rest alone is asked for again. What was
    owed since a refund failed is tried again by it, in whole or in part. An external one that left
    and came back moved money twice: it is written down as one that failed.
    Where it was more than what is left, nobody is owed anything for it.
    Returns nothing when it never left, or when it exceeds what we know is left: it is looked at
    again later. Nothing either for one of ours that we do not know, or that came twice: comparing
    with Stripe names it.
    """
    known = session.scalars(
        sa.select(Refund).where(Refund.stripe_refund_id == seen.id)
    ).one_or_none()
    if known is None and (subject := seen.metadata.get("octo_subject")):
        return _find_awaited(session, subject)
    never_left = seen.status in ENDED_BADLY and seen.movement is None
    if known is not None or never_left:
        return known
    if failed := _find_failed(session, payment, amount=seen.amount):
        failed.resolve(Resolution.TRIED_AGAIN, at=context.now)
        return add_second_try(
            session, failed, amount=seen.amount, action_key=f"external:{seen.id}", at=context.now
        )
    if seen.status in ENDED_BADLY and seen.amount > payment.refundable_amount:
        return add_not_due(
            session,
            payment,
            amount=seen.amount,
            action_key=f"external:{seen.id}",
            at=context.now,
        )
    return _adopt_external(session, payment, seen, context=context)


def overtake_refund(
    session: Session, refund: Refund, seen: Sequence[RefundFact], *, context: Context
) -> bool:
    """Give way to what somebody refunded by hand; tell whether that explains Stripe's refusal.

    ``seen`` are the external refunds of the charge. They are taken in, ours is taken back, and
    the rest alone is asked for, by a refund of its own.
    """
    payment = refund.payment
    external = sum(one.amount for one in seen if one.status not in ENDED_BADLY)
    if external + _sent_amount(session, payment) + refund.amount <= payment.total_amount:
        return False
    cancel_refund(session, refund, context=context)
    session.flush()
    for one in seen:
        found = adopt_refund(session, payment, one, context=context)
        if found is not None:
            record_refund(session, found, one, context=context)
    _ask_for_the_rest(session, refund, context=context)
    follow_refund(session, payment, context=context)
    return True


def _adopt_external(
    session: Session, payment: Payment, seen: RefundFact, *, context: Context
) -> Refund | None:
    making_room: list[Refund] = []
    if seen.amount > payment.refundable_amount:
        making_room = cancel_unsent_refunds(session, payment, context=context)
    refund = None
    if seen.amount <= payment.refundable_amount:
        refund = add_refund(
            session,
            payment,
            number=next_refund_number(session, payment),
            amount=seen.amount,
            reason=RefundReason.EXTERNAL,
            action_key=f"external:{seen.id}",
            at=context.now,
        )
        session.flush()
    for stopped in making_room:
        _ask_for_the_rest(session, stopped, context=context)
    follow_refund(session, payment, context=context)
    return refund


def _ask_for_the_rest(session: Session, stopped: Refund, *, context: Context) -> None:
    """Ask again for what is left, where all that was left had been asked for."""
    if stopped.status is RefundStatus.CANCELED and stopped.reason not in _OF_A_PART:
        refund_rest(session, stopped.payment, reason=stopped.reason, context=context)


def _find_awaited(session: Session, subject: str) -> Refund | None:
    awaited = sa.select(Refund).where(
        Refund.public_id == subject, Refund.stripe_refund_id.is_(None)
    )
    return session.scalars(awaited).one_or_none()


def _find_failed(session: Session, payment: Payment, *, amount: int) -> Refund | None:
    """Find a refund that failed and whose money is still owed: this may be its second try.

    A part of one is, when it is more than what is left of the payment.
    """
    is_left = amount <= payment.refundable_amount
    return session.scalars(
        sa.select(Refund)
        .where(
            Refund.payment_id == payment.id,
            Refund.owed(),
            Refund.amount == amount if is_left else Refund.amount >= amount,
        )
        .order_by(Refund.amount, Refund.id)
        .limit(1)
        .with_for_update(of=Refund)
    ).one_or_none()


def _sent_amount(session: Session, payment: Payment) -> int:
    """Return what we had Stripe give back of a payment, in minor units."""
    sent = sa.select(sum_or_zero(Refund.amount)).where(
        Refund.payment_id == payment.id,
        Refund.reason != RefundReason.EXTERNAL,
        Refund.stripe_refund_id.is_not(None),
        Refund.status.in_((RefundStatus.PENDING, RefundStatus.SUCCEEDED)),
    )
    return int(session.scalar(sent) or 0)
