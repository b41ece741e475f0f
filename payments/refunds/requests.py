"""Decide to give money back: the refund, its call and the document that follows are one commit."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.deadline.transitions import reopen_settling
from campaigns.models import Campaign
from octo.audit import record
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, transaction
from octo.errors import N_, ConflictError
from octo.ids import new_public_id
from payments.context import Context
from payments.documents.counted import recounting
from payments.documents.settlements import correct_documents
from payments.gateway.attempts import plan_attempt
from payments.gateway.guards import require_current_books
from payments.models import (
    Attempt,
    AttemptKind,
    Payment,
    Refund,
    RefundReason,
    RefundStatus,
    Resolution,
)
from payments.models.locks import lock_payment
from payments.policy import Split, check_refundable, split_refund
from payments.settings import StripeSettings


class ActionReusedError(ConflictError):
    """The same action key came with another amount."""

    code = "action_reused"


def refund_by_treasurer(
    payment_id: str,
    *,
    amount: int,
    action_key: str,
    actor: str,
    settings: Settings,
    clock: Clock,
) -> Refund:
    """Give back an amount (minor units) of one payment, by an act of the treasurer's.

    The refund, its attempt and, once the campaign is settled, a credit note are one commit: the
    owner is paid that much less, or owes it. The same ``action_key`` is the same refund, whatever
    became of it. Stripe keeps its fees.
    """
    require_current_books()
    with transaction() as session:
        payment = lock_payment(session, public_id=payment_id)
        lock(session, Campaign, id=payment.campaign_id)
        of_act = sa.select(Refund).where(Refund.action_key == action_key)
        if known := session.scalars(of_act).one_or_none():
            if known.amount != amount:
                raise ActionReusedError(N_("This request was already used for another amount."))
            return known
        check_refundable(amount, left=payment.refundable_amount, is_contested=payment.is_contested)
        context = Context.read(settings, clock)
        refund = add_refund(
            session,
            payment,
            number=next_refund_number(session, payment),
            amount=amount,
            reason=RefundReason.TREASURER,
            action_key=action_key,
            at=context.now,
        )
        _plan_call(session, refund, action_number=1, context=context)
        follow_refund(session, payment, context=context)
        record(
            session,
            actor=actor,
            action="payment.refunded",
            subject=payment.public_id,
            at=context.now,
            amount=amount,
            refund=refund.public_id,
        )
        return refund


def refund_rest(
    session: Session, payment: Payment, *, reason: RefundReason, context: Context
) -> None:
    """Decide to give back all that is left of a payment, tip included; see ``refund_rests``."""
    refund_rests(session, [payment], reason=reason, context=context)


def refund_rests(
    session: Session, payments: Sequence[Payment], *, reason: RefundReason, context: Context
) -> None:
    """Decide to give back all that is left of many payments, in a handful of statements.

    The caller holds the locks of the pledges, the payments and the campaigns. Each refund and its
    attempt are one commit, so a crash after it loses nothing; before it, whatever is still left
    is decided again. What a bank contests waits until it has judged.
    """
    left = [one for one in payments if one.refundable_amount and not one.is_contested]
    numbers = _last_numbers(session, left)
    for payment in left:
        number = numbers.get(payment.id, 0) + 1
        refund = add_refund(
            session,
            payment,
            number=number,
            amount=payment.refundable_amount,
            reason=reason,
            action_key=f"{payment.public_id}:{reason.value}:{number}",
            at=context.now,
        )
        _plan_call(session, refund, action_number=1, context=context)
    for payment in {one.campaign_id: one for one in left}.values():
        follow_refund(session, payment, context=context)


def plan_refund(session: Session, refund: Refund, *, context: Context) -> None:
    """Plan the call of a refund; once Stripe refused it for good, a later one is a new action."""
    last = session.scalar(
        sa.select(sa.func.max(Attempt.action_number)).where(
            Attempt.kind == AttemptKind.REFUND_CREATE, Attempt.subject == refund.public_id
        )
    )
    _plan_call(session, refund, action_number=(last or 0) + 1, context=context)


def _plan_call(session: Session, refund: Refund, *, action_number: int, context: Context) -> None:
    plan_attempt(
        session,
        installation=context.settings.of(StripeSettings).installation,
        kind=AttemptKind.REFUND_CREATE,
        subject=refund.public_id,
        parameters={
            "charge": refund.payment.stripe_charge_id,
            "amount": refund.amount,
            "reason": "requested_by_customer",
            "metadata": {"octo_reason": refund.reason.value},
        },
        at=context.machine_now,
        campaign_id=refund.campaign_id,
        action_number=action_number,
    )


def follow_refund(session: Session, payment: Payment, *, context: Context) -> None:
    """Have the campaign's documents and state follow what was just decided of a payment."""
    campaign = payment.campaign
    correct_documents(session, campaign, context=context)
    reopen_settling(session, campaign, reason=f"{payment.public_id} is refunded", at=context.now)


def add_refund(
    session: Session,
    payment: Payment,
    *,
    number: int,
    amount: int,
    reason: RefundReason,
    action_key: str,
    at: datetime,
) -> Refund:
    """Write a refund down with its split, which never changes, and count it on its payment."""
    split = _split(payment, amount)
    with recounting(session, payment):
        payment.refunded_amount += amount
        payment.refunded_tip_amount += split.tip_amount
    return _write(
        session, payment, split, number=number, reason=reason, action_key=action_key, at=at
    )


def add_second_try(
    session: Session, failed: Refund, *, amount: int, action_key: str, at: datetime
) -> Refund:
    """Write a refund down that gives what an earlier one could not; counted already, it is owed.

    What it leaves of the earlier one, if anything, stays owed as one that failed, of its own.
    """
    payment, reason = failed.payment, RefundReason.TRIED_AGAIN
    again = _add_owed(session, payment, amount, reason, action_key=action_key, at=at)
    if rest := failed.amount - amount:
        rest_key = f"rest:{again.public_id}"
        left = _add_owed(session, payment, rest, reason, action_key=rest_key, at=at)
        session.flush()
        left.advance_to(RefundStatus.FAILED, at=at)
        left.failure_reason = failed.failure_reason
    return again


def add_not_due(
    session: Session, payment: Payment, *, amount: int, action_key: str, at: datetime
) -> Refund:
    """Write down what was refunded beyond what is left and is back: nobody is owed it."""
    refund = _add_owed(
        session, payment, amount, RefundReason.EXTERNAL, action_key=action_key, at=at
    )
    session.flush()
    refund.advance_to(RefundStatus.FAILED, at=at)
    refund.resolve(Resolution.NOT_DUE, at=at)
    return refund


def _add_owed(
    session: Session,
    payment: Payment,
    amount: int,
    reason: RefundReason,
    *,
    action_key: str,
    at: datetime,
) -> Refund:
    """Write a refund down that draws on what is owed already, and on nothing of the campaign's."""
    return _write(
        session,
        payment,
        Split(funds_amount=0, tip_amount=0, owed_amount=amount),
        number=next_refund_number(session, payment),
        reason=reason,
        action_key=action_key,
        at=at,
    )


def next_refund_number(session: Session, payment: Payment) -> int:
    """Return the number of the next refund of a payment."""
    return _last_numbers(session, [payment]).get(payment.id, 0) + 1


def _last_numbers(session: Session, payments: Sequence[Payment]) -> dict[int, int]:
    """Return the number of the last refund of each payment that has one."""
    found = session.execute(
        sa.select(Refund.payment_id, sa.func.max(Refund.number))
        .where(Refund.payment_id.in_([payment.id for payment in payments]))
        .group_by(Refund.payment_id)
    )
    return dict(found.all())


def _write(
    session: Session,
    payment: Payment,
    split: Split,
    *,
    number: int,
    reason: RefundReason,
    action_key: str,
    at: datetime,
) -> Refund:
    refund = Refund(
        public_id=new_public_id("rfd"),
        payment=payment,
        campaign_id=payment.campaign_id,
        number=number,
        action_key=action_key,
        reason=reason,
        amount=split.funds_amount + split.tip_amount + split.owed_amount,
        funds_amount=split.funds_amount,
        tip_amount=split.tip_amount,
        owed_amount=split.owed_amount,
        currency=payment.currency,
        requested_at=at,
    )
    session.add(refund)
    return refund


def _split(payment: Payment, amount: int) -> Split:
    tip_left = payment.tip_left_amount
    return split_refund(
        amount=amount,
        funds_left=payment.refundable_amount - tip_left,
        tip_left=tip_left,
        is_late=payment.is_late,
    )
