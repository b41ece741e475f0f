"""Transfers taken back: by a treasurer, to recover what an owner owes, or by hand at Stripe."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.deadline.transitions import reopen_settling
from campaigns.models import Campaign
from octo.database import lock
from octo.ids import new_public_id
from payments.accounting import entries
from payments.context import Context
from payments.documents.owner_balance import credit_owner_again, find_debt
from payments.gateway.attempts import plan_attempt
from payments.gateway.facts import ReversalFact
from payments.ledger.posting import adopt_movement
from payments.models import (
    AttemptKind,
    OwnerDebt,
    ReversalStatus,
    Transfer,
    TransferReversal,
    TransferStatus,
)
from payments.policy import share_with_owner
from payments.settings import StripeSettings


def plan_reversal(
    session: Session,
    transfer: Transfer,
    *,
    amount: int,
    idempotency_key: str,
    actor: str,
    context: Context,
) -> TransferReversal:
    """Plan to take an amount of a transfer back; the caller holds the campaign's lock."""
    reversal = TransferReversal(
        public_id=new_public_id("rev"),
        transfer=transfer,
        campaign_id=transfer.campaign_id,
        amount=amount,
        currency=transfer.currency,
        status=ReversalStatus.PENDING,
        requested_at=context.now,
        requested_by=actor,
        idempotency_key=idempotency_key,
    )
    session.add(reversal)
    plan_attempt(
        session,
        installation=context.settings.of(StripeSettings).installation,
        kind=AttemptKind.REVERSAL_CREATE,
        subject=reversal.public_id,
        parameters={
            "transfer": transfer.stripe_transfer_id,
            "amount": amount,
            "metadata": {"octo_campaign": transfer.campaign.public_id},
        },
        at=context.machine_now,
        campaign_id=transfer.campaign_id,
    )
    return reversal


def record_reversals(
    session: Session, transfer: Transfer, reversals: Sequence[ReversalFact], *, context: Context
) -> None:
    """Take in what was taken back of a transfer, by whoever."""
    for one in sorted(reversals, key=lambda fact: (fact.created_at, fact.id)):
        reversal = _find(session, one) or _adopt(session, transfer, one, at=context.now)
        record_reversal(session, reversal, one, context=context)


def record_reversal(
    session: Session, reversal: TransferReversal, seen: ReversalFact, *, context: Context
) -> None:
    """Take in that Stripe took a transfer back; the caller holds the campaign's lock.

    It ends what the owner owes. What is more was taken back by hand: that much is due to the owner
    again, and is never sent before a treasurer says so.
    """
    if seen.movement is None or reversal.status is ReversalStatus.SUCCEEDED:
        return
    campaign, transfer = reversal.campaign, reversal.transfer
    debt = find_debt(session, campaign.id)
    shares = share_with_owner(
        seen.amount,
        debt=debt.left_amount if debt else 0,
        written_off=debt.written_off_amount if debt else 0,
    )
    draft = entries.transfer_reversal(
        campaign,
        seen.movement,
        debt_amount=shares.debt_amount,
        loss_amount=shares.loss_amount,
    )
    if adopt_movement(session, seen.movement, draft) is None:
        return
    reversal.stripe_reversal_id = seen.id
    reversal.amount = seen.amount
    reversal.debt_amount, reversal.loss_amount = shares.debt_amount, shares.loss_amount
    reversal.status = ReversalStatus.SUCCEEDED
    reversal.closed_at = context.now
    if debt is not None:
        _recover(debt, recovered=shares.debt_amount, regained=shares.loss_amount)
    transfer.reversed_amount += seen.amount
    if transfer.reversed_amount == transfer.amount:
        transfer.move_to(TransferStatus.REVERSED)
    session.flush()
    if shares.due_amount:
        credit_owner_again(session, transfer, shares.due_amount, at=context.now)
        why = f"{transfer.public_id} was taken back"
        reopen_settling(session, campaign, reason=why, at=context.now)


def refuse_reversal(reversal: TransferReversal, *, reason: str, at: datetime) -> None:
    """Record that Stripe takes nothing back: the owner's account does not hold it, for one."""
    reversal.status = ReversalStatus.FAILED
    reversal.failure_reason = reason[:80]
    reversal.closed_at = at


def lock_reversal(session: Session, **by: object) -> TransferReversal:
    """Lock a reversal with its transfer and, before them, the campaign."""
    campaign_id, transfer_id = session.execute(
        sa.select(TransferReversal.campaign_id, TransferReversal.transfer_id).filter_by(**by)
    ).one()
    lock(session, Campaign, id=campaign_id)
    lock(session, Transfer, id=transfer_id)
    return lock(session, TransferReversal, **by)


def _find(session: Session, seen: ReversalFact) -> TransferReversal | None:
    known = session.scalars(
        sa.select(TransferReversal).where(TransferReversal.stripe_reversal_id == seen.id)
    ).one_or_none()
    if known is None and (subject := seen.metadata.get("octo_subject")):
        known = session.scalars(
            sa.select(TransferReversal).where(TransferReversal.public_id == subject)
        ).one_or_none()
    return known


def _adopt(
    session: Session, transfer: Transfer, seen: ReversalFact, *, at: datetime
) -> TransferReversal:
    reversal = TransferReversal(
        public_id=new_public_id("rev"),
        transfer=transfer,
        campaign_id=transfer.campaign_id,
        amount=seen.amount,
        debt_amount=0,
        loss_amount=0,
        currency=transfer.currency,
        status=ReversalStatus.PENDING,
        requested_at=at,
    )
    session.add(reversal)
    session.flush()
    return reversal


def _recover(debt: OwnerDebt, *, recovered: int, regained: int) -> None:
    debt.recovered_amount += recovered + regained
    debt.written_off_amount -= regained
    debt.left_amount -= recovered
