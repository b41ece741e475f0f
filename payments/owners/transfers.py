"""Pay an owner: one transfer for one settlement document, once its money is available.

Everybody here holds the campaign's lock.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.accounts.members import active_members
from octo.database import lock
from octo.mail.outbox import enqueue
from payments.accounting import entries
from payments.context import Context
from payments.documents.owner_balance import offset_debt
from payments.gateway.attempts import plan_attempt, withdraw
from payments.gateway.facts import TransferFact
from payments.ledger.posting import adopt_movement, post
from payments.models import (
    Attempt,
    AttemptKind,
    Block,
    ConnectedAccount,
    Transfer,
    TransferStatus,
)
from payments.policy import is_owner_reminder_due
from payments.settings import StripeSettings


def plan_transfer(
    session: Session, transfer: Transfer, *, destination: str, context: Context
) -> None:
    """Plan the one call that pays a settlement document; from here on its amount is fixed.

    No ``source_transaction``: that names one charge and caps at it. A refusal such as
    ``balance_insufficient`` is saved under its key for a day, so a later try is a new action.
    """
    last = session.scalar(
        sa.select(sa.func.max(Attempt.action_number)).where(
            Attempt.kind == AttemptKind.TRANSFER_CREATE, Attempt.subject == transfer.public_id
        )
    )
    transfer.stripe_account_id = destination
    transfer.block = None
    campaign = transfer.campaign
    plan_attempt(
        session,
        installation=context.settings.of(StripeSettings).installation,
        kind=AttemptKind.TRANSFER_CREATE,
        subject=transfer.public_id,
        parameters={
            "amount": transfer.amount,
            "currency": transfer.currency.lower(),
            "destination": destination,
            "transfer_group": campaign.public_id,
            "metadata": {
                "octo_campaign": campaign.public_id,
                "octo_document": transfer.settlement.document.number,
                "octo_issued_at": str(int(transfer.settlement.document.issued_at.timestamp())),
            },
        },
        at=context.machine_now,
        campaign_id=campaign.id,
        action_number=(last or 0) + 1,
    )


def record_transfer(
    session: Session, transfer: Transfer, seen: TransferFact, *, at: datetime
) -> None:
    """Take in a transfer Stripe made; a reversal is taken in from its own movement."""
    transfer.stripe_transfer_id = seen.id
    if seen.movement is not None:
        adopt_movement(session, seen.movement, entries.transfer(transfer, seen.movement))
    if transfer.status is TransferStatus.PENDING:
        transfer.move_to(TransferStatus.SUCCEEDED)
        transfer.is_held = False
        transfer.sent_at = seen.created_at
        _tell_owner(session, transfer, "transfer_sent", at=at)


def take_back_refused(
    session: Session, transfer: Transfer, *, block: Block, context: Context
) -> None:
    """Keep a transfer that Stripe refused for later, less what its owner came to owe meanwhile."""
    transfer.block = block
    shares = offset_debt(session, transfer.campaign_id, transfer.amount)
    if used := shares.debt_amount + shares.loss_amount:
        transfer.deduct(used)
        draft = entries.debt_offset(
            transfer.campaign,
            debt_amount=shares.debt_amount,
            loss_amount=shares.loss_amount,
            act=f"{transfer.public_id}:{transfer.deducted_amount}",
            at=context.now,
        )
        post(session, draft)


def import_transfer(session: Session, seen: TransferFact, *, context: Context) -> Transfer | None:
    """Take in a transfer of ours, or one that somebody made by hand in place of ours.

    Returns nothing when it is neither: nobody pays this owner until a person has said what it was.
    """
    known = _find_id(session, seen)
    transfer = None if known is None else lock_transfer(session, id=known)
    is_external = "octo_subject" not in seen.metadata
    if transfer is None and is_external and (campaign := _find_campaign(session, seen)):
        transfer = _adopt(session, campaign, seen, context=context)
    if transfer is not None:
        record_transfer(session, transfer, seen, at=context.now)
    return transfer


def is_known(session: Session, seen: TransferFact) -> bool:
    """Tell whether a transfer of Stripe's list is one of ours, or undone."""
    return seen.amount_reversed == seen.amount or _find_id(session, seen) is not None


def _find_id(session: Session, seen: TransferFact) -> int | None:
    """Find the transfer a fact is about, by Stripe's id or by ours in its metadata.

    One that carries the ids of a transfer made already is another: comparing names it.
    """
    by_ids = sa.or_(
        Transfer.stripe_transfer_id == seen.id,
        sa.and_(
            Transfer.public_id == seen.metadata.get("octo_subject", ""),
            Transfer.stripe_transfer_id.is_(None),
        ),
    )
    return session.scalar(sa.select(Transfer.id).where(by_ids).limit(1))


def _find_campaign(session: Session, seen: TransferFact) -> Campaign | None:
    known = session.scalar(sa.select(Campaign.id).where(Campaign.public_id == seen.transfer_group))
    return None if known is None else lock(session, Campaign, id=known)


def _adopt(
    session: Session, campaign: Campaign, seen: TransferFact, *, context: Context
) -> Transfer | None:
    """Choose the transfer that this one was made in place of.

    It pays the same owner the very amount of one that waits and whose call was never sent.
    """
    account_id = session.scalar(
        sa.select(ConnectedAccount.stripe_account_id).where(
            ConnectedAccount.organisation_id == campaign.organisation_id
        )
    )
    if seen.destination != account_id:
        return None
    waiting = session.scalars(
        sa.select(Transfer)
        .where(
            Transfer.campaign_id == campaign.id,
            Transfer.status == TransferStatus.PENDING,
            Transfer.amount == seen.amount,
            Transfer.currency == seen.currency,
        )
        .order_by(Transfer.is_held, Transfer.id)
        .with_for_update(of=Transfer)
    ).all()
    kind = AttemptKind.TRANSFER_CREATE
    for transfer in waiting:
        if withdraw(session, kind=kind, subject=transfer.public_id, at=context.machine_now):
            transfer.stripe_account_id = account_id
            transfer.block = None
            return transfer
    return None


def remind_owner(session: Session, transfer: Transfer, *, at: datetime) -> None:
    """Ask the owner to finish with Stripe, since the money cannot be paid out before.

    Once when it begins to wait, and then once a week.
    """
    if is_owner_reminder_due(transfer.reminded_at, at=at):
        transfer.reminded_at = at
        _tell_owner(session, transfer, "onboarding_needed", at=at)


def lock_transfer(session: Session, **by: object) -> Transfer:
    """Lock a transfer and, before it, its campaign; raises ``NotFoundError`` for none."""
    of = sa.select(Transfer.campaign_id).filter_by(**by).scalar_subquery()
    lock(session, Campaign, id=of)
    return lock(session, Transfer, **by)


def _tell_owner(session: Session, transfer: Transfer, template: str, *, at: datetime) -> None:
    campaign = transfer.campaign
    for person in active_members(session, campaign.organisation_id):
        enqueue(
            session,
            to=person.email,
            locale=person.locale,
            template=template,
            context={
                "name": person.name,
                "campaign_title": campaign.title,
                "campaign_slug": campaign.slug,
                "campaign_id": campaign.public_id,
                "amount": transfer.amount,
                "currency": transfer.currency,
                "document_number": transfer.settlement.document.number,
            },
            at=at,
        )
