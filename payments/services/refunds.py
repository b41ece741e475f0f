"""Give money back: decide it, send it once, and take in what becomes of it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus, PledgeStatus
from campaigns.services.closing import reopen_settling
from campaigns.services.pledge_life import mail_context, mark_refunded
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, transaction
from octo.errors import N_, ConflictError
from octo.ids import new_public_id
from octo.mail.outbox import enqueue
from payments.gateway.attempts import plan_attempt
from payments.gateway.facts import RefundFact
from payments.ledger import rules
from payments.ledger.drafts import MovementFacts, TransactionDraft
from payments.ledger.posting import adopt_many, post
from payments.models import (
    Attempt,
    AttemptKind,
    Payment,
    Refund,
    RefundReason,
    RefundStatus,
    Settlement,
)
from payments.services.occasion import Occasion
from payments.settlement.policy import Split, split_refund

_ENDED: Final = {
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
    "succeeded": RefundStatus.SUCCEEDED,
}

_STANDING: Final = frozenset({PledgeStatus.ACTIVE, PledgeStatus.COLLECTED})


class RefundTooLargeError(ConflictError):
    """More than what is left of the payment cannot be given back."""

    code = "refund_too_large"


class SettledAlreadyError(ConflictError):
    """The owner's settlement document stands, and counts this payment."""

    code = "settled_already"


class ActionReusedError(ConflictError):
    """The same action key came with another amount."""

    code = "action_reused"


def refund_rest(
    session: Session, payment: Payment, *, reason: RefundReason, occasion: Occasion
) -> None:
    """Decide to give back all that is left of a payment, tip included; see ``refund_rests``."""
    refund_rests(session, [payment], reason=reason, occasion=occasion)


def refund_rests(
    session: Session, payments: Sequence[Payment], *, reason: RefundReason, occasion: Occasion
) -> None:
    """Decide to give back all that is left of many payments, in a handful of statements.

    The caller holds the payments' locks. Each refund and its attempt are one commit, so a
    crash after it loses nothing; before it, whatever is still left is decided again.
    """
    numbers = _last_numbers(session, payments)
    for payment in payments:
        if payment.refundable_amount == 0:
            continue
        number = numbers.get(payment.id, 0) + 1
        refund = _add_refund(
            session,
            payment,
            number=number,
            amount=payment.refundable_amount,
            reason=reason,
            action_key=f"{payment.public_id}:{reason.value}:{number}",
            at=occasion.at,
        )
        _plan_call(session, refund, action_number=1, occasion=occasion)


def request_refund(
    session: Session,
    payment: Payment,
    *,
    amount: int,
    reason: RefundReason,
    action_key: str,
    occasion: Occasion,
) -> Refund:
    """Decide to give ``amount`` of a payment back; the engine sends it.

    The caller holds the payment's lock. The refund and its attempt are one commit, so a
    crash after it loses nothing: whoever claims the attempt sends it under its stored key.
    The same ``action_key`` is the same refund. Stripe keeps its fees.
    """
    known = session.scalars(sa.select(Refund).where(Refund.action_key == action_key)).one_or_none()
    if known is not None:
        if known.amount != amount:
            raise ActionReusedError(N_("This request was already used for another refund."))
        return known
    if not 0 < amount <= payment.refundable_amount:
        raise RefundTooLargeError(
            N_("More than what is left of this payment cannot be given back.")
        )
    refund = _add_refund(
        session,
        payment,
        number=_next_number(session, payment),
        amount=amount,
        reason=reason,
        action_key=action_key,
        at=occasion.at,
    )
    _plan_call(session, refund, action_number=1, occasion=occasion)
    return refund


def plan_refund(session: Session, refund: Refund, *, occasion: Occasion) -> None:
    """Plan a refund's call once more: after Stripe refused it for good, it is a new action."""
    last = session.scalar(
        sa.select(sa.func.max(Attempt.action_number)).where(
            Attempt.kind == AttemptKind.REFUND_CREATE, Attempt.subject == refund.public_id
        )
    )
    _plan_call(session, refund, action_number=(last or 0) + 1, occasion=occasion)


def _plan_call(session: Session, refund: Refund, *, action_number: int, occasion: Occasion) -> None:
    plan_attempt(
        session,
        installation=occasion.settings.stripe.installation,
        kind=AttemptKind.REFUND_CREATE,
        subject=refund.public_id,
        parameters={
            "charge": refund.payment.stripe_charge_id,
            "amount": refund.amount,
            "reason": "requested_by_customer",
            "metadata": {"octo_reason": refund.reason.value},
        },
        at=occasion.machine,
        campaign_id=refund.campaign_id,
        action_number=action_number,
    )


def adopt_refund(
    session: Session, payment: Payment, seen: RefundFact, *, at: datetime
) -> Refund | None:
    """Find the refund a fact is about, or write down one made by hand in Stripe's dashboard.

    Returns nothing when Stripe refused a stranger's refund, or when it exceeds what we know
    is left: reconciliation names it then.
    """
    known = session.scalars(
        sa.select(Refund).where(Refund.stripe_refund_id == seen.id)
    ).one_or_none()
    if known is None and (subject := seen.metadata.get("octo_subject")):
        known = session.scalars(sa.select(Refund).where(Refund.public_id == subject)).one_or_none()
    if known is not None or seen.amount > payment.refundable_amount:
        return known
    refund = _add_refund(
        session,
        payment,
        number=_next_number(session, payment),
        amount=seen.amount,
        reason=RefundReason.BY_HAND,
        action_key=f"by_hand:{seen.id}",
        at=at,
    )
    session.flush()
    return refund


def record_refund(session: Session, refund: Refund, seen: RefundFact, *, at: datetime) -> None:
    """Take in what Stripe says of one refund; see ``record_refunds``."""
    record_refunds(session, [(refund, seen)], at=at)


def record_refunds(
    session: Session, seen: Sequence[tuple[Refund, RefundFact]], *, at: datetime
) -> None:
    """Take in what Stripe says of refunds, whether by answer, webhook, poll or look-up.

    Posted when its movement exists, not on status: Stripe books nothing while a refund waits
    for funds. What arrives late and older is ignored. All of it is posted at once.
    """
    adopt_many(session, [one for refund, fact in seen for one in _adoptions(refund, fact)])
    for refund, fact in seen:
        refund.stripe_refund_id = fact.id
        refund.pending_reason = fact.pending_reason
        status = _ENDED.get(fact.status, RefundStatus.PENDING)
        if refund.advance_to(status, at=at):
            _take_in_end(session, refund, fact, at=at)


def _adoptions(
    refund: Refund, seen: RefundFact
) -> Iterator[tuple[MovementFacts, TransactionDraft]]:
    if seen.movement is not None:
        yield seen.movement, rules.refund(refund, seen.movement)
    if seen.failure_movement is not None:
        yield seen.failure_movement, rules.refund_failed(refund, seen.failure_movement)


def _take_in_end(session: Session, refund: Refund, seen: RefundFact, *, at: datetime) -> None:
    """Say to the backer what became of a refund; a whole one ends the pledge."""
    payment = refund.payment
    if refund.status is RefundStatus.FAILED:
        refund.failure_reason = seen.failure_reason
        if seen.movement is None:
            _post_owed(session, refund, at=at)
        _tell(session, refund, template="refund_failed", at=at)
        campaign = lock(session, Campaign, id=refund.campaign_id)
        if campaign.status is CampaignStatus.SETTLED:
            reopen_settling(session, campaign, reason=f"{refund.public_id} failed", at=at)
    elif payment.refundable_amount == 0 and payment.pledge.status in _STANDING:
        mark_refunded(session, pledge=payment.pledge, at=at)
    else:
        _tell(session, refund, template="refund_sent", at=at)


def _tell(session: Session, refund: Refund, *, template: str, at: datetime) -> None:
    pledge = refund.payment.pledge
    enqueue(
        session,
        to=pledge.email,
        locale=pledge.locale,
        template=template,
        context={**mail_context(pledge), "amount": refund.amount},
        at=at,
    )


def _add_refund(
    session: Session,
    payment: Payment,
    *,
    number: int,
    amount: int,
    reason: RefundReason,
    action_key: str,
    at: datetime,
) -> Refund:
    split = _split(payment, amount)
    refund = Refund(
        public_id=new_public_id("rfd"),
        payment=payment,
        campaign_id=payment.campaign_id,
        number=number,
        action_key=action_key,
        reason=reason,
        amount=amount,
        funds_amount=split.funds_amount,
        tip_amount=split.tip_amount,
        owed_amount=split.owed_amount,
        currency=payment.currency,
        requested_at=at,
    )
    payment.refunded_amount += amount
    payment.refunded_tip_amount += split.tip_amount
    session.add(refund)
    return refund


def _next_number(session: Session, payment: Payment) -> int:
    return _last_numbers(session, [payment]).get(payment.id, 0) + 1


def _last_numbers(session: Session, payments: Sequence[Payment]) -> dict[int, int]:
    """Return the number of the last refund of each payment that has one."""
    found = session.execute(
        sa.select(Refund.payment_id, sa.func.max(Refund.number))
        .where(Refund.payment_id.in_([payment.id for payment in payments]))
        .group_by(Refund.payment_id)
    )
    return dict(found.all())


def _split(payment: Payment, amount: int) -> Split:
    """Share a refund out; late money was never the campaign's and is wholly owed."""
    if payment.is_late:
        return Split(funds_amount=0, tip_amount=0, owed_amount=amount)
    tip_left = payment.tip_amount - payment.refunded_tip_amount
    return split_refund(
        amount=amount, funds_left=payment.refundable_amount - tip_left, tip_left=tip_left
    )


def refund_by_treasurer(
    payment_id: str, *, amount: int, action_key: str, settings: Settings, clock: Clock
) -> Refund:
    """Give back an amount (minor units) of one payment, by an act of the treasurer's.

    Raises ``SettledAlreadyError`` once the settlement document is issued: the owner is paid
    on it, and only a document that corrects it may take money back.
    """
    with transaction() as session:
        payment = lock(session, Payment, public_id=payment_id)
        document = sa.select(Settlement.id).where(Settlement.campaign_id == payment.campaign_id)
        if session.scalar(document) is not None and not payment.is_late:
            raise SettledAlreadyError(
                N_("This campaign is settled: its payments can no longer be refunded here.")
            )
        return request_refund(
            session,
            payment,
            amount=amount,
            reason=RefundReason.TREASURER,
            action_key=action_key,
            occasion=Occasion.now(settings, clock),
        )


def _post_owed(session: Session, refund: Refund, *, at: datetime) -> None:
    """Book what never left as owed to the backer; what was owed already needs no entry."""
    draft = rules.refund_never_left(refund, at=at)
    if draft is not None:
        post(session, draft)
