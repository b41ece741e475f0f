"""What a treasurer does about an owner who was paid too much, or whose transfer came back."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.audit import record
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, sum_or_zero, transaction
from octo.errors import N_, ConflictError, InvalidError
from octo.ids import new_public_id
from octo.text import clean_paragraphs
from payments.accounting import entries
from payments.context import Context
from payments.documents.owner_balance import find_debt
from payments.ledger.posting import post
from payments.models import (
    OwnerDebt,
    ReversalStatus,
    Transfer,
    TransferReversal,
    TransferStatus,
)
from payments.owners.reversals import plan_reversal
from payments.owners.transfers import lock_transfer
from payments.refunds.requests import ActionReusedError

LONGEST_REASON = 1000


class NoDebtError(ConflictError):
    """The owner owes nothing of this campaign, or not that much."""

    code = "no_debt"


class NotHeldError(ConflictError):
    """This transfer is not on hold."""

    code = "not_held"


def recover_debt(
    campaign_id: str,
    *,
    amount: int,
    idempotency_key: str,
    reason: str,
    actor: str,
    settings: Settings,
    clock: Clock,
) -> Sequence[TransferReversal]:
    """Take back from the owner's Stripe account an amount (minor units) of what is owed.

    One reversal for each transfer it needs, the latest first. The same ``idempotency_key``
    is the same act, whatever became of it. Stripe refuses what the account does not hold: that
    leaves the debt as it was.
    """
    reason = clean_paragraphs(reason, field="reason", most=LONGEST_REASON, is_required=True)
    with transaction() as session:
        campaign = lock(session, Campaign, public_id=campaign_id)
        if known := _find_reversals(session, campaign, idempotency_key):
            if sum(one.amount for one in known) != amount:
                raise ActionReusedError(N_("This request was already used for another amount."))
            return known
        debt = find_debt(session, campaign.id)
        left = _left(session, debt)
        if debt is None or left == 0:
            raise NoDebtError(N_("The owner of this campaign owes nothing that is not asked for."))
        if not 0 < amount <= left:
            raise InvalidError(
                N_("The owner does not owe that much, or it is asked for already."), field="amount"
            )
        context = Context.read(settings, clock)
        planned = []
        for transfer, most in _reversible(session, campaign.id):
            if part := min(amount, most):
                reversal = plan_reversal(
                    session,
                    transfer,
                    amount=part,
                    idempotency_key=idempotency_key,
                    actor=actor,
                    context=context,
                )
                planned.append(reversal)
                amount -= part
        assert amount == 0, "an owner owes no more than was transferred"
        _note(session, actor, debt, "debt.recovery_asked", reason=reason, context=context)
        return planned


def write_off_debt(
    campaign_id: str, *, reason: str, actor: str, settings: Settings, clock: Clock
) -> OwnerDebt:
    """Let the owner off what is owed of a campaign; the platform bears it.

    Refused while a part of it is being taken back: nobody knows yet what will be left.
    """
    reason = clean_paragraphs(reason, field="reason", most=LONGEST_REASON, is_required=True)
    with transaction() as session:
        campaign = lock(session, Campaign, public_id=campaign_id)
        debt = find_debt(session, campaign.id)
        if debt is None or debt.left_amount == 0 or _left(session, debt) != debt.left_amount:
            raise NoDebtError(N_("The owner of this campaign owes nothing that is not asked for."))
        context = Context.read(settings, clock)
        amount = debt.left_amount
        act = new_public_id("act")
        post(session, entries.debt_written_off(campaign, amount, act=act, at=context.now))
        debt.written_off_amount += amount
        debt.left_amount = 0
        _note(session, actor, debt, "debt.written_off", reason=reason, context=context, act=act)
        return debt


def pay_again(
    transfer_id: str, *, reason: str, actor: str, settings: Settings, clock: Clock
) -> Transfer:
    """Let what was taken back of a transfer be sent to the owner again."""
    reason = clean_paragraphs(reason, field="reason", most=LONGEST_REASON, is_required=True)
    with transaction() as session:
        transfer = lock_transfer(session, public_id=transfer_id)
        if not transfer.is_held or transfer.status is not TransferStatus.PENDING:
            raise NotHeldError(N_("This transfer is not on hold."))
        context = Context.read(settings, clock)
        transfer.is_held = False
        transfer.block = None
        record(
            session,
            actor=actor,
            action="transfer.released",
            subject=transfer.public_id,
            reason=reason,
            at=context.now,
            amount=transfer.amount,
        )
        return transfer


def _find_reversals(
    session: Session, campaign: Campaign, idempotency_key: str
) -> Sequence[TransferReversal]:
    """Find what one act asked to take back."""
    return session.scalars(
        sa.select(TransferReversal)
        .where(
            TransferReversal.campaign_id == campaign.id,
            TransferReversal.idempotency_key == idempotency_key,
        )
        .order_by(TransferReversal.id)
    ).all()


def _left(session: Session, debt: OwnerDebt | None) -> int:
    """Return what is owed and not being taken back already."""
    if debt is None:
        return 0
    asked = sa.select(sum_or_zero(TransferReversal.amount)).where(
        TransferReversal.campaign_id == debt.campaign_id,
        TransferReversal.status == ReversalStatus.PENDING,
    )
    return max(debt.left_amount - int(session.scalar(asked) or 0), 0)


def _reversible(session: Session, campaign_id: int) -> list[tuple[Transfer, int]]:
    """List the transfers the owner has, the latest first, with what may be taken back of each."""
    asked = (
        sa.select(sum_or_zero(TransferReversal.amount))
        .where(
            TransferReversal.transfer_id == Transfer.id,
            TransferReversal.status == ReversalStatus.PENDING,
        )
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(Transfer, Transfer.amount - Transfer.reversed_amount - asked)
        .where(Transfer.campaign_id == campaign_id, Transfer.status == TransferStatus.SUCCEEDED)
        .order_by(Transfer.id.desc())
    )
    return [(transfer, int(most)) for transfer, most in rows]


def _note(
    session: Session,
    actor: str,
    debt: OwnerDebt,
    action: str,
    *,
    reason: str,
    context: Context,
    **details: object,
) -> None:
    record(
        session,
        actor=actor,
        action=action,
        subject=debt.public_id,
        reason=reason,
        at=context.now,
        amount=debt.incurred_amount,
        **details,
    )
