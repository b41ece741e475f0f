"""Between a campaign's documents and its owner: what is not sent yet, and what is owed back.

Everybody here holds the campaign's lock. At any time, what the documents come to, less what the
owner has, is what is not sent yet less what the owner owes or was let off.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.ids import new_public_id
from payments.context import Context
from payments.gateway.attempts import withdraw
from payments.models import (
    OPEN_ATTEMPTS,
    Attempt,
    AttemptKind,
    Block,
    OwnerDebt,
    Settlement,
    Transfer,
    TransferStatus,
)
from payments.policy import (
    OwnerShares,
    OwnerTaking,
    share_with_owner,
    take_from_owner,
)


def is_under_way() -> sa.ColumnElement[bool]:
    """Return the condition of a transfer whose call is planned, sent or unknown."""
    return sa.exists().where(
        Attempt.kind == AttemptKind.TRANSFER_CREATE,
        Attempt.subject == Transfer.public_id,
        Attempt.status.in_(OPEN_ATTEMPTS),
    )


def find_debt(session: Session, campaign_id: int) -> OwnerDebt | None:
    """Find what the owner owes of a campaign, locked."""
    return session.scalars(
        sa.select(OwnerDebt)
        .where(OwnerDebt.campaign_id == campaign_id)
        .with_for_update(of=OwnerDebt)
        .execution_options(populate_existing=True)
    ).one_or_none()


def credit_owner(
    session: Session, document: Settlement, amount: int, *, at: datetime
) -> OwnerShares:
    """Use what a document brings the owner, and have the rest paid by a transfer of its own."""
    shares = offset_debt(session, document.campaign_id, amount)
    transfer = Transfer(
        public_id=new_public_id("trf"),
        settlement=document,
        campaign_id=document.campaign_id,
        number=1,
        document_amount=amount,
        deducted_amount=0,
        amount=amount,
        currency=document.currency,
        status=TransferStatus.PENDING,
        created_at=at,
    )
    transfer.deduct(amount - shares.due_amount)
    session.add(transfer)
    session.flush()
    return shares


def credit_owner_again(session: Session, transfer: Transfer, amount: int, *, at: datetime) -> None:
    """Have what was taken back of a transfer paid again, once a treasurer says so."""
    numbers = sa.select(sa.func.max(Transfer.number)).where(
        Transfer.settlement_id == transfer.settlement_id
    )
    session.add(
        Transfer(
            public_id=new_public_id("trf"),
            settlement_id=transfer.settlement_id,
            campaign_id=transfer.campaign_id,
            number=(session.scalar(numbers) or 0) + 1,
            document_amount=amount,
            deducted_amount=0,
            amount=amount,
            currency=transfer.currency,
            is_held=True,
            block=Block.TREASURER,
            created_at=at,
        )
    )
    session.flush()


def offset_debt(session: Session, campaign_id: int, amount: int) -> OwnerShares:
    """End with an amount what the owner owes, then what was written off of it."""
    debt = find_debt(session, campaign_id)
    if debt is None:
        return share_with_owner(amount, debt=0, written_off=0)
    shares = share_with_owner(amount, debt=debt.left_amount, written_off=debt.written_off_amount)
    debt.restored_amount += shares.debt_amount + shares.loss_amount
    debt.written_off_amount -= shares.loss_amount
    debt.left_amount -= shares.debt_amount
    return shares


def debit_owner(
    session: Session, campaign: Campaign, amount: int, *, context: Context
) -> OwnerTaking:
    """Take an amount off what is not sent yet, what is held first; the rest is owed."""
    unsent = find_unsent(session, campaign.id, machine=context.machine_now)
    taking = take_from_owner(amount, unsent=sum(one.amount for one in unsent))
    left = taking.unsent_amount
    for transfer in unsent:
        part = min(left, transfer.amount)
        transfer.deduct(part)
        left -= part
    if taking.debt_amount:
        _incur(session, campaign, taking.debt_amount, at=context.now)
    session.flush()
    return taking


def find_unsent(session: Session, campaign_id: int, *, machine: datetime) -> Sequence[Transfer]:
    """Find the transfers that may still change, locked: held ones first, then the newest.

    A call that is planned and was never sent is taken back, at this instant of machine time.
    """
    pending = session.scalars(
        sa.select(Transfer)
        .where(Transfer.campaign_id == campaign_id, Transfer.status == TransferStatus.PENDING)
        .order_by(Transfer.is_held.desc(), Transfer.id.desc())
        .with_for_update(of=Transfer)
        .execution_options(populate_existing=True)
    ).all()
    kind = AttemptKind.TRANSFER_CREATE
    return [
        one for one in pending if withdraw(session, kind=kind, subject=one.public_id, at=machine)
    ]


def _incur(session: Session, campaign: Campaign, amount: int, *, at: datetime) -> None:
    debt = find_debt(session, campaign.id)
    if debt is None:
        debt = OwnerDebt(
            public_id=new_public_id("dbt"),
            campaign_id=campaign.id,
            currency=campaign.currency,
            incurred_amount=0,
            restored_amount=0,
            recovered_amount=0,
            written_off_amount=0,
            left_amount=0,
            incurred_at=at,
        )
        session.add(debt)
    debt.incurred_amount += amount
    debt.left_amount += amount
