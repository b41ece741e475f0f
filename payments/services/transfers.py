"""Pay an owner: one transfer for one settlement document, once its money is available."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.mail.outbox import enqueue
from octo.users.models import Membership, User
from payments.gateway.attempts import plan_attempt
from payments.gateway.facts import ReversalFact, TransferFact
from payments.ledger import rules
from payments.ledger.posting import adopt_movement
from payments.models import Attempt, AttemptKind, Transfer, TransferStatus
from payments.services.occasion import Occasion


def plan_transfer(
    session: Session, transfer: Transfer, *, destination: str, occasion: Occasion
) -> None:
    """Plan the one call that pays a settlement document.

    No ``source_transaction``: that names one charge and caps at it. A refusal such as
    ``balance_insufficient`` is saved under its key for a day, so a later try is a new action.
    """
    tried = session.scalar(
        sa.select(sa.func.count()).where(
            Attempt.kind == AttemptKind.TRANSFER_CREATE, Attempt.subject == transfer.public_id
        )
    )
    transfer.stripe_account_id = destination
    transfer.waits_for = None
    campaign = transfer.campaign
    plan_attempt(
        session,
        installation=occasion.settings.stripe.installation,
        kind=AttemptKind.TRANSFER_CREATE,
        subject=transfer.public_id,
        parameters={
            "amount": transfer.amount,
            "currency": transfer.currency.lower(),
            "destination": destination,
            "transfer_group": campaign.public_id,
            "metadata": {
                "octo_campaign": campaign.public_id,
                "octo_document": transfer.settlement.number,
            },
        },
        at=occasion.machine,
        campaign_id=campaign.id,
        action_number=(tried or 0) + 1,
    )


def record_transfer(
    session: Session, transfer: Transfer, seen: TransferFact, *, at: datetime
) -> None:
    """Take in a transfer Stripe made; a reversal is taken in from its own movement."""
    transfer.stripe_transfer_id = seen.id
    if seen.movement is not None:
        adopt_movement(session, seen.movement, rules.transfer(transfer, seen.movement))
    if transfer.status is TransferStatus.PENDING:
        transfer.move_to(TransferStatus.SUCCEEDED)
        transfer.sent_at = seen.created_at
        _tell_owner(session, transfer, "transfer_sent", at=at)


def record_reversals(
    session: Session, transfer: Transfer, seen: TransferFact, reversals: Sequence[ReversalFact]
) -> None:
    """Take in what was taken back of a transfer, by whoever; the owner is due that much again."""
    for reversal in reversals:
        if reversal.movement is not None:
            draft = rules.transfer_reversal(transfer.campaign, reversal.movement)
            adopt_movement(session, reversal.movement, draft)
    if seen.amount_reversed == seen.amount and transfer.status is TransferStatus.SUCCEEDED:
        transfer.move_to(TransferStatus.REVERSED)


def find_transfer(session: Session, seen: TransferFact) -> Transfer | None:
    """Find the transfer a fact is about, by Stripe's id or by ours in its metadata."""
    known = session.scalars(
        sa.select(Transfer).where(Transfer.stripe_transfer_id == seen.id)
    ).one_or_none()
    if known is None and (subject := seen.metadata.get("octo_subject")):
        known = session.scalars(
            sa.select(Transfer).where(Transfer.public_id == subject)
        ).one_or_none()
    return known


def tell_owner_to_register(session: Session, transfer: Transfer, *, at: datetime) -> None:
    """Ask the owner to finish with Stripe, since the money cannot be paid out before."""
    _tell_owner(session, transfer, "onboarding_needed", at=at)


def _tell_owner(session: Session, transfer: Transfer, template: str, *, at: datetime) -> None:
    campaign = transfer.campaign
    for person in owners_of(session, campaign):
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
                "document_number": transfer.settlement.number,
            },
            at=at,
        )


def owners_of(session: Session, campaign: Campaign) -> list[User]:
    """Return the people of the organisation that runs a campaign."""
    members = (
        sa.select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organisation_id == campaign.organisation_id, User.active)
        .order_by(User.id)
    )
    return list(session.scalars(members))
