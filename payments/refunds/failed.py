"""What a treasurer does about a refund that failed: its backer is owed the money."""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.audit import record
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, transaction
from octo.text import clean_paragraphs
from payments.accounting import entries
from payments.context import Context
from payments.ledger.posting import post
from payments.models import Payment, Refund, Resolution
from payments.models.locks import lock_payments
from payments.policy import check_not_contested
from payments.refunds.outcomes import tell_backer
from payments.refunds.requests import add_second_try, plan_refund

LONGEST_REFERENCE = 200


class Means(StrEnum):
    """How the platform pays outside Stripe."""

    BANK_TRANSFER = "bank_transfer"
    CHEQUE = "cheque"


def retry_refund(
    refund_id: str, *, reason: str, actor: str, settings: Settings, clock: Clock
) -> Refund:
    """Ask Stripe once more for a refund that failed, by a refund of its own.

    The one that failed stays as it is. Should the second fail too, it takes its place.
    """
    reason = clean_paragraphs(reason, field="reason", most=LONGEST_REFERENCE)
    with transaction() as session:
        failed = _lock_failed(session, refund_id)
        check_not_contested(is_contested=failed.payment.is_contested)
        context = Context.read(settings, clock)
        failed.resolve(Resolution.TRIED_AGAIN, at=context.now)
        again = add_second_try(
            session,
            failed,
            amount=failed.amount,
            action_key=f"tried_again:{failed.public_id}",
            at=context.now,
        )
        plan_refund(session, again, context=context)
        record(
            session,
            actor=actor,
            action="refund.tried_again",
            subject=failed.public_id,
            reason=reason,
            at=context.now,
            refund=again.public_id,
        )
        return again


def pay_by_bank(
    refund_id: str,
    *,
    means: Means,
    reference: str,
    actor: str,
    settings: Settings,
    clock: Clock,
) -> Refund:
    """Record that the platform paid a backer from its own bank what a refund could not give.

    ``reference`` is what the treasurer finds it by on the bank's statement, never an account
    number. The money that came back stays on the Stripe balance, and is the platform's.
    """
    reference = clean_paragraphs(
        reference, field="reference", most=LONGEST_REFERENCE, is_required=True
    )
    with transaction() as session:
        failed = _lock_failed(session, refund_id)
        context = Context.read(settings, clock)
        failed.resolve(Resolution.PAID_BY_BANK, at=context.now)
        post(session, entries.refund_paid_by_bank(failed, at=context.now))
        tell_backer(session, failed, template="refund_paid_by_bank", at=context.now)
        record(
            session,
            actor=actor,
            action="refund.paid_by_bank",
            subject=failed.public_id,
            reason=reference,
            at=context.now,
            amount=failed.amount,
            means=means.value,
        )
        return failed


def _lock_failed(session: Session, refund_id: str) -> Refund:
    of = sa.select(Refund.payment_id).where(Refund.public_id == refund_id)
    lock_payments(session, Payment.id.in_(of))
    return lock(session, Refund, public_id=refund_id)
