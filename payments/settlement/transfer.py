"""Pay the owner of a campaign that succeeded: plan the transfer once nothing stands in its way.

What it waits for is written on it, so that the treasurer and the owner can read it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus, Outcome
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from payments.blocked import slug_of
from payments.blocked import until as said_until
from payments.context import Context
from payments.documents.owner_balance import is_under_way
from payments.gateway.attempts import WITHDRAWN
from payments.gateway.client import Gateway
from payments.gateway.facts import TransferFact
from payments.models import (
    Attempt,
    AttemptKind,
    AttemptStatus,
    Block,
    ConnectedAccount,
    OwnerReadiness,
    Payment,
    PaymentStatus,
    Refund,
    Transfer,
    TransferStatus,
)
from payments.owners.onboarding import refresh_owner
from payments.owners.transfers import import_transfer, is_known, plan_transfer, remind_owner
from payments.policy import is_readiness_stale, obstacle_to_transfer, paused_until

_WAITS: Final = {
    Block.STRIPE: "Stripe to answer",
    Block.OWNER: "the owner to finish with Stripe",
    Block.FUNDS: "the funds to be available",
    Block.BALANCE: "the balance to cover it and the refunds due",
    Block.DISCREPANCY: "a treasurer to explain a transfer made by hand",
    Block.TREASURER: "a treasurer: an earlier one was taken back",
}

_log = structlog.get_logger()
_LEFT: Final = (
    Payment.amount + Payment.tip_amount - Payment.refunded_amount - Payment.disputed_amount
)


def pay_owner(
    campaign_id: int, *, gateway: Gateway, settings: Settings, clock: Clock
) -> tuple[int, list[str]]:
    """Plan the next transfer of a campaign, or say what it waits for.

    Raises ``StripeAwayError`` when Stripe does not say how things stand.
    """
    with reading() as session:
        transfer = find_unpaid(session, campaign_id)
        if transfer is None:
            return 0, _held(session, campaign_id)
        organisation_id = transfer.campaign.organisation_id
        pause_until = _refused_until(session, transfer)
        now, machine = clock.now(), clock.machine_now()
    if pause_until is not None and machine < pause_until:
        later = f" after {pause_until:%Y-%m-%d %H:%M:%S} UTC"
        return 0, [
            f"{slug_of(campaign_id)}: Stripe refused the transfer; it is asked for again{later}"
        ]
    account = _refreshed_account(organisation_id, gateway=gateway, clock=clock)
    obstacle = _find_obstacle(transfer, account, gateway=gateway, at=now)
    if obstacle is not None:
        block, until = obstacle
        return 0, [record_block(campaign_id, block, at=now, until=until)]
    if external := _external_transfers(transfer.campaign, gateway):
        return _adopt(campaign_id, external, settings=settings, clock=clock)
    assert account is not None
    assert account.stripe_account_id is not None
    return _plan(campaign_id, account.stripe_account_id, settings=settings, clock=clock), []


def _find_obstacle(
    transfer: Transfer, account: ConnectedAccount | None, *, gateway: Gateway, at: datetime
) -> tuple[Block, datetime | None] | None:
    """Return what a transfer waits for and until when, or nothing when it can be made."""
    with reading() as session:
        available_at = latest_available_at(session, transfer.campaign_id)
        owed_elsewhere = due_elsewhere(session, transfer.currency)

    def is_covered() -> bool:
        return gateway.available_amount(transfer.currency) - owed_elsewhere >= transfer.amount

    return obstacle_to_transfer(
        is_owner_ready=account is not None and account.readiness is OwnerReadiness.ACTIVE,
        available_at=available_at,
        at=at,
        is_covered=is_covered,
    )


def _refreshed_account(
    organisation_id: int, *, gateway: Gateway, clock: Clock
) -> ConnectedAccount | None:
    """Return the owner's account, asked about again at Stripe when last seen long ago."""
    with reading() as session:
        account = _find_account(session, organisation_id)
        is_stale = account is not None and is_readiness_stale(
            account.checked_at, at=clock.machine_now()
        )
    if not is_stale:
        return account
    refresh_owner(organisation_id, gateway=gateway, clock=clock)
    with reading() as session:
        return _find_account(session, organisation_id)


def _external_transfers(campaign: Campaign, gateway: Gateway) -> Sequence[TransferFact]:
    """List what somebody transferred by hand for a campaign: looked for before each transfer."""
    listed = list(gateway.list_transfers(campaign.public_id))
    with reading() as session:
        return [one for one in listed if not is_known(session, one)]


def _adopt(
    campaign_id: int, external: Sequence[TransferFact], *, settings: Settings, clock: Clock
) -> tuple[int, list[str]]:
    """Take transfers made by hand as ours, or wait for a person where one is none of ours."""
    done = 0
    for seen in external:
        with transaction() as session:
            context = Context.read(settings, clock)
            done += import_transfer(session, seen, context=context) is not None
    if done:
        return done, []
    _log.error("unexplained_transfer", campaign=campaign_id, transfers=[one.id for one in external])
    return 0, [record_block(campaign_id, Block.DISCREPANCY, at=clock.now())]


def _plan(campaign_id: int, destination: str, *, settings: Settings, clock: Clock) -> int:
    with transaction() as session:
        lock(session, Campaign, id=campaign_id)
        transfer = find_unpaid(session, campaign_id)
        if transfer is None:
            return 0
        context = Context.read(settings, clock)
        plan_transfer(session, transfer, destination=destination, context=context)
        return 1


def find_unpaid(session: Session, campaign_id: int) -> Transfer | None:
    """Find the transfer still to be planned: pending, with no attempt on its way, and not held."""
    return session.scalars(
        sa.select(Transfer)
        .where(
            Transfer.campaign_id == campaign_id,
            Transfer.status == TransferStatus.PENDING,
            ~Transfer.is_held,
            ~is_under_way(),
        )
        .order_by(Transfer.id)
        .limit(1)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _held(session: Session, campaign_id: int) -> list[str]:
    held = sa.select(sa.func.count()).where(
        Transfer.campaign_id == campaign_id,
        Transfer.status == TransferStatus.PENDING,
        Transfer.is_held,
    )
    if not session.scalar(held):
        return []
    return [f"{slug_of(campaign_id)}: the transfer waits for {_WAITS[Block.TREASURER]}"]


def _find_account(session: Session, organisation_id: int) -> ConnectedAccount | None:
    return session.scalars(
        sa.select(ConnectedAccount)
        .where(ConnectedAccount.organisation_id == organisation_id)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _refused_until(session: Session, transfer: Transfer) -> datetime | None:
    """Return until when a transfer that Stripe refused is left alone, in machine time."""
    refused_at = session.scalar(
        sa.select(sa.func.max(Attempt.closed_at)).where(
            Attempt.kind == AttemptKind.TRANSFER_CREATE,
            Attempt.subject == transfer.public_id,
            Attempt.status == AttemptStatus.FAILED,
            Attempt.error_code != WITHDRAWN,
        )
    )
    return paused_until(refused_at)


def latest_available_at(session: Session, campaign_id: int) -> datetime | None:
    """Return when the last of a campaign's charges is available at Stripe."""
    return session.scalar(
        sa.select(sa.func.max(Payment.available_at)).where(
            Payment.campaign_id == campaign_id, Payment.status == PaymentStatus.SUCCEEDED
        )
    )


def due_elsewhere(session: Session, currency: str) -> int:
    """Return what others still draw from the Stripe balance, in minor units.

    Refunds that have not arrived, those of missed goals that are not planned yet, and
    transfers on their way.
    """
    drawn = (
        sa.select(sa.func.sum(Refund.amount)).where(
            Refund.unfinished(), Refund.currency == currency
        ),
        sa.select(sa.func.sum(_LEFT))
        .join(Campaign)
        .where(
            Campaign.status == CampaignStatus.SETTLING,
            Campaign.outcome != Outcome.SUCCEEDED,
            Payment.status == PaymentStatus.SUCCEEDED,
            Payment.currency == currency,
        ),
        sa.select(sa.func.sum(Transfer.amount)).where(
            Transfer.status == TransferStatus.PENDING,
            Transfer.currency == currency,
            is_under_way(),
        ),
    )
    return sum(int(session.scalar(amount) or 0) for amount in drawn)


def record_block(
    campaign_id: int, block: Block, *, at: datetime, until: datetime | None = None
) -> str:
    """Show on the transfer what it waits for, and say it in the job's report."""
    with transaction() as session:
        lock(session, Campaign, id=campaign_id)
        transfer = find_unpaid(session, campaign_id)
        if transfer is not None:
            transfer.block = block
            transfer.expected_at = until
            if block is Block.OWNER:
                remind_owner(session, transfer, at=at)
    return f"{slug_of(campaign_id)}: the transfer waits for {_WAITS[block]}{said_until(until)}"
