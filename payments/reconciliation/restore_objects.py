"""Write down again, one by one, what a restored backup has forgotten and Stripe still knows.

Each function brings back one fact, inside the caller's transaction, at the time it happened: the
call that made it first, then the rows it is about, in everybody's order. What is known already
changes nothing, so an import that was cut short is simply made again.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.deadline.transitions import begin_collecting, decide
from campaigns.models import Campaign, CampaignStatus, Collection, Outcome, Pledge, Reward
from campaigns.pledges.transitions import take_reward
from octo.database import lock
from octo.errors import N_, NotFoundError
from payments.charges.record import record_charge, record_checkout
from payments.charges.saved_cards import lock_card, record_card
from payments.context import Context
from payments.disputes.record import record_dispute
from payments.documents.figures import terms_of
from payments.documents.numbers import reserve_number
from payments.documents.settlements import find_main, issue_settlement
from payments.gateway.attempts import restore_attempt, withdraw
from payments.gateway.facts import (
    ChargeFact,
    CheckoutFact,
    DisputeFact,
    RefundFact,
    TransferFact,
)
from payments.models import (
    AttemptKind,
    Document,
    Payment,
    PaymentStatus,
    Refund,
    RefundReason,
    RefundStatus,
    SavedCard,
    Settlement,
    Transfer,
    TransferStatus,
)
from payments.models.locks import lock_payment
from payments.owners.transfers import lock_transfer, record_transfer
from payments.refunds.external import adopt_refund
from payments.refunds.outcomes import record_refund
from payments.refunds.requests import add_refund, next_refund_number
from payments.settings import SettlementTerms

_VERDICTS = {
    RefundReason.GOAL_MISSED: Outcome.FAILED,
    RefundReason.CAMPAIGN_CANCELED: Outcome.CANCELED,
}


class CampaignForgottenError(NotFoundError):
    """The campaign itself is not in the backup: it cannot be paid to, only looked at."""

    code = "campaign_forgotten"


def restore_page(session: Session, *, seen: CheckoutFact, context: Context) -> None:
    """Write a checkout down again, with the pledge it was opened for, and take it in."""
    subject = seen.metadata.get("octo_subject", "")
    card_id = session.scalar(sa.select(SavedCard.id).where(SavedCard.public_id == subject))
    payment_id = session.scalar(sa.select(Payment.id).where(Payment.public_id == subject))
    is_known = card_id is not None or payment_id is not None
    if seen.status == "expired" and not is_known:
        return
    campaign = _campaign_of(session, seen.metadata.get("octo_campaign"))
    if key := seen.metadata.get("octo_key"):
        restore_attempt(
            session,
            key,
            stripe_object_id=seen.id,
            campaign_id=campaign.id,
            at=context.machine_now,
        )
    if not is_known:
        pledge = _find_pledge(session, seen) or _add_pledge(session, campaign, seen, at=context.now)
        card_id, payment_id = _add_subject(session, pledge, seen, subject, at=context.now)
    if card_id is not None:
        record_card(session, lock_card(session, id=card_id), seen, context=context)
    else:
        record_checkout(session, lock_payment(session, id=payment_id), seen, context=context)


def restore_charge(session: Session, *, seen: ChargeFact, context: Context) -> None:
    """Take in a charge; that of a saved card is written down again from its metadata."""
    subject = seen.metadata.get("octo_payment", "")
    by_charge = sa.or_(Payment.stripe_charge_id == seen.id, Payment.public_id == subject)
    payment_id = session.scalar(sa.select(Payment.id).where(by_charge))
    if payment_id is None and subject:
        payment_id = _add_off_session_payment(session, seen, subject, context=context)
    if payment_id is not None:
        record_charge(session, lock_payment(session, id=payment_id), seen, context=context)


def restore_refund(session: Session, *, seen: RefundFact, context: Context) -> None:
    """Take in a refund under the very name it was asked for, and close the call that made it."""
    known = session.execute(
        sa.select(Payment.id, Payment.campaign_id).where(Payment.stripe_charge_id == seen.charge_id)
    ).one_or_none()
    if known is None:
        return
    payment_id, campaign_id = known
    subject = seen.metadata.get("octo_subject")
    if subject is not None:
        restore_attempt(
            session,
            seen.metadata["octo_key"],
            stripe_object_id=seen.id,
            campaign_id=campaign_id,
            at=context.machine_now,
        )
    payment = lock_payment(session, id=payment_id)
    campaign = lock(session, Campaign, id=campaign_id)
    if subject is None:
        refund = adopt_refund(session, payment, seen, context=context)
    else:
        reason = RefundReason(seen.metadata["octo_reason"])
        if outcome := _VERDICTS.get(reason):
            _give_verdict(session, campaign, outcome, context=context)
        refund = _find_refund(session, seen, subject) or _name_or_add_refund(
            session, payment, seen, subject, reason, context=context
        )
    if refund is not None:
        record_refund(session, refund, seen, context=context)


def restore_document(session: Session, *, number: str, campaign_id: str, context: Context) -> None:
    """Issue a campaign's main document again, under the number it had."""
    reserve_number(session, number)
    if session.scalar(sa.select(Document.id).where(Document.number == number)) is not None:
        return
    campaign = lock(session, Campaign, id=_campaign_of(session, campaign_id).id)
    if find_main(session, campaign) is not None:
        return  # a later one: it followed from what was taken in, or will
    _give_verdict(session, campaign, Outcome.SUCCEEDED, context=context)
    issue_settlement(session, campaign, context=context, number=number)


def restore_transfer(session: Session, *, seen: TransferFact, context: Context) -> None:
    """Take in a transfer of ours, in the place of the one its document waits for."""
    subject = seen.metadata.get("octo_subject")
    if subject is None:
        return
    by_ids = sa.or_(Transfer.public_id == subject, Transfer.stripe_transfer_id == seen.id)
    transfer_id = session.scalar(sa.select(Transfer.id).where(by_ids))
    if transfer_id is None:
        transfer_id = session.scalar(
            sa.select(Transfer.id)
            .join(Settlement, Settlement.id == Transfer.settlement_id)
            .join(Document, Document.id == Settlement.document_id)
            .where(
                Document.number == seen.metadata.get("octo_document"),
                Transfer.status == TransferStatus.PENDING,
                Transfer.amount == seen.amount,
            )
            .order_by(Transfer.number)
            .limit(1)
        )
    if transfer_id is None:
        return
    restore_attempt(
        session,
        seen.metadata["octo_key"],
        stripe_object_id=seen.id,
        campaign_id=session.scalar(
            sa.select(Transfer.campaign_id).where(Transfer.id == transfer_id)
        ),
        at=context.machine_now,
    )
    transfer = lock_transfer(session, id=transfer_id)
    withdraw(
        session,
        kind=AttemptKind.TRANSFER_CREATE,
        subject=transfer.public_id,
        at=context.machine_now,
    )
    transfer.public_id = subject
    transfer.stripe_account_id = seen.destination
    transfer.block = None
    session.flush()
    record_transfer(session, transfer, seen, at=context.now)


def restore_dispute(session: Session, *, seen: DisputeFact, context: Context) -> None:
    """Take in a dispute at the time it was opened."""
    payment_id = session.scalar(
        sa.select(Payment.id).where(Payment.stripe_charge_id == seen.charge_id)
    )
    if payment_id is not None:
        payment = lock_payment(session, id=payment_id)
        record_dispute(session, payment, seen, context=context)


def _find_pledge(session: Session, seen: CheckoutFact) -> Pledge | None:
    return session.scalars(
        sa.select(Pledge).where(Pledge.public_id == seen.metadata.get("octo_pledge", ""))
    ).one_or_none()


def _add_pledge(
    session: Session, campaign: Campaign, seen: CheckoutFact, *, at: datetime
) -> Pledge:
    """Make the pledge again; its name, message and address were nowhere but here, and are gone."""
    metadata = seen.metadata
    lock(session, Campaign, id=campaign.id)
    reward = session.scalars(
        sa.select(Reward).where(Reward.public_id == metadata.get("octo_reward", ""))
    ).one_or_none()
    pledge = Pledge(
        public_id=metadata["octo_pledge"],
        request_key=f"restored:{seen.id}"[:64],
        campaign=campaign,
        reward=reward,
        email=seen.email or "",
        locale=seen.locale or "fr",
        amount=int(metadata["octo_amount"]),
        shipping_amount=int(metadata["octo_shipping"]),
        tip_amount=int(metadata["octo_tip"]),
        currency=campaign.currency,
        holds_reward=reward is not None and take_reward(session, reward),
        created_at=at,
        expires_at=seen.expires_at + timedelta(minutes=5),
    )
    session.add(pledge)
    session.flush()
    return pledge


def _add_subject(
    session: Session, pledge: Pledge, seen: CheckoutFact, subject: str, *, at: datetime
) -> tuple[int | None, int | None]:
    """Make the card or the payment of a page again; return the id of whichever it is."""
    if seen.mode == "setup":
        card = SavedCard(
            public_id=subject, pledge=pledge, campaign_id=pledge.campaign_id, created_at=at
        )
        session.add(card)
        session.flush()
        return card.id, None
    payment = _payment_of(pledge, subject, at=at)
    session.add(payment)
    session.flush()
    return None, payment.id


def _add_off_session_payment(
    session: Session, seen: ChargeFact, subject: str, *, context: Context
) -> int | None:
    card = session.scalars(
        sa.select(SavedCard)
        .join(Pledge, Pledge.id == SavedCard.pledge_id)
        .where(Pledge.public_id == seen.metadata.get("octo_pledge", ""))
    ).one_or_none()
    if card is None:
        return None
    lock_card(session, id=card.id)
    campaign = lock(session, Campaign, id=card.campaign_id)
    if campaign.outcome is None:
        _close(campaign, context=context)
        terms = terms_of(campaign, context.settings.of(SettlementTerms))
        ends_at = context.now + timedelta(days=terms.repair_days)
        begin_collecting(session, campaign, ends_at=ends_at, at=context.now)
    payment = _payment_of(card.pledge, subject, at=context.now)
    payment.stripe_setup_intent_id = card.stripe_setup_intent_id
    session.add(payment)
    session.flush()
    return payment.id


def _payment_of(pledge: Pledge, subject: str, *, at: datetime) -> Payment:
    return Payment(
        public_id=subject,
        pledge=pledge,
        campaign_id=pledge.campaign_id,
        amount=pledge.amount,
        tip_amount=pledge.tip_amount,
        currency=pledge.currency,
        status=PaymentStatus.PENDING,
        created_at=at,
    )


def _find_refund(session: Session, seen: RefundFact, subject: str) -> Refund | None:
    by_ids = sa.or_(Refund.stripe_refund_id == seen.id, Refund.public_id == subject)
    return session.scalars(sa.select(Refund).where(by_ids)).one_or_none()


def _name_or_add_refund(
    session: Session,
    payment: Payment,
    seen: RefundFact,
    subject: str,
    reason: RefundReason,
    *,
    context: Context,
) -> Refund:
    """Give the refund its old name: that which was just decided anew, or one made for it."""
    decided = session.scalars(
        sa.select(Refund)
        .where(
            Refund.payment_id == payment.id,
            Refund.status == RefundStatus.PENDING,
            Refund.stripe_refund_id.is_(None),
            Refund.amount == seen.amount,
        )
        .order_by(Refund.id)
        .limit(1)
    ).one_or_none()
    if decided is None:
        decided = add_refund(
            session,
            payment,
            number=next_refund_number(session, payment),
            amount=seen.amount,
            reason=reason,
            action_key=f"restored:{seen.id}",
            at=context.now,
        )
    else:
        kind = AttemptKind.REFUND_CREATE
        withdraw(session, kind=kind, subject=decided.public_id, at=context.machine_now)
    decided.public_id = subject
    session.flush()
    return decided


def _give_verdict(
    session: Session, campaign: Campaign, outcome: Outcome, *, context: Context
) -> None:
    """Give the verdict that Stripe has seen the effects of, unless one stands."""
    if campaign.outcome is not None:
        return
    _close(campaign, context=context)
    if outcome is Outcome.CANCELED:
        campaign.canceled_at = campaign.canceled_at or context.now
    is_saved = campaign.collection is Collection.ON_SUCCESS
    assert not (is_saved and outcome is Outcome.SUCCEEDED), "its charges come first"
    decide(session, campaign, outcome=outcome, at=context.now)


def _close(campaign: Campaign, *, context: Context) -> None:
    if campaign.status in {CampaignStatus.LIVE, CampaignStatus.SUSPENDED}:
        campaign.move_to(CampaignStatus.CLOSING)
        campaign.closing_at = context.now


def _campaign_of(session: Session, public_id: str | None) -> Campaign:
    found = session.scalars(
        sa.select(Campaign).where(Campaign.public_id == public_id)
    ).one_or_none()
    if found is None:
        raise CampaignForgottenError(
            N_("The campaign %(campaign)s is not in this backup."), campaign=public_id
        )
    return found
