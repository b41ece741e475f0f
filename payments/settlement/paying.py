"""After the verdict: plan the refunds or the transfer of each campaign, and see it settled."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from campaigns.services.closing import mark_settled
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, lock_all, reading, transaction
from octo.scheduler import JobReport
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import (
    OPEN_ATTEMPTS,
    Attempt,
    AttemptKind,
    AttemptStatus,
    ConnectedAccount,
    Freeze,
    OwnerReadiness,
    Payment,
    PaymentStatus,
    Refund,
    RefundReason,
    RefundStatus,
    Transfer,
    TransferStatus,
)
from payments.services.occasion import Occasion
from payments.services.onboarding import refresh_owner
from payments.services.outcomes import note_trouble
from payments.services.refunds import refund_rests
from payments.services.transfers import plan_transfer, tell_owner_to_register
from payments.settlement.ending import end_pledges
from payments.waiting import slug_of
from payments.waiting import until as said_until

BATCH: Final = 500
AFTER_A_REFUSAL: Final = timedelta(minutes=5)
READINESS_LASTS: Final = timedelta(minutes=15)
_GONE: Final = Payment.refunded_amount + Payment.disputed_amount
_WAITS: Final = {
    "stripe": "Stripe to answer",
    "owner": "the owner to finish with Stripe",
    "funds": "the funds to be available",
    "balance": "the balance to cover it and the refunds due",
}
_REASONS: Final = {
    Outcome.FAILED: RefundReason.GOAL_MISSED,
    Outcome.CANCELED: RefundReason.CAMPAIGN_CANCELED,
}


def move_settling_campaigns(*, gateway: Gateway, settings: Settings, clock: Clock) -> JobReport:
    """Take each settling campaign one step on: refunds or transfer planned, or settled."""
    done = 0
    waiting: list[str] = []
    is_away = False
    for campaign_id, outcome in _settling():
        try:
            moved, wait = _move(
                campaign_id, outcome, gateway=gateway, settings=settings, clock=clock
            )
        except StripeAwayError:
            is_away = True
            moved, wait = 0, [_wait(campaign_id, "stripe", at=clock.now())]
        except Exception as error:  # noqa: BLE001 - one campaign's trouble stops no other
            moved, wait = 0, [note_trouble(campaign_id, error, settings=settings, clock=clock)]
        done += moved
        waiting += wait
    return JobReport(done=done, waiting=waiting, is_away=is_away)


def _move(
    campaign_id: int, outcome: Outcome, *, gateway: Gateway, settings: Settings, clock: Clock
) -> tuple[int, list[str]]:
    waiting: list[str] = []
    ended = end_pledges(campaign_id, outcome, settings=settings, clock=clock)
    if outcome is Outcome.SUCCEEDED:
        planned, waiting = _pay_owner(campaign_id, gateway=gateway, settings=settings, clock=clock)
    else:
        planned = _refund_batch(campaign_id, outcome, settings=settings, clock=clock)
    if ended:
        return ended + planned, waiting
    settled, wait = _settle(campaign_id, settings=settings, clock=clock)
    return planned + settled, waiting + wait


def _settling() -> Sequence[tuple[int, Outcome]]:
    is_frozen = sa.exists().where(Freeze.campaign_id == Campaign.id, Freeze.lifted_at.is_(None))
    with reading() as session:
        rows = session.execute(
            sa.select(Campaign.id, Campaign.outcome)
            .where(Campaign.status == CampaignStatus.SETTLING, ~is_frozen)
            .order_by(Campaign.deadline_at, Campaign.id)
        ).all()
    return [(campaign_id, outcome) for campaign_id, outcome in rows if outcome is not None]


def _refund_batch(campaign_id: int, outcome: Outcome, *, settings: Settings, clock: Clock) -> int:
    """Plan the refunds of the next payments of a failed campaign, tips included.

    Not far ahead of what is sent: what is planned and waits is read at every claim. Each
    payment's action key is one of its own, so a batch planned twice is planned once.
    """
    is_left = (
        Payment.campaign_id == campaign_id,
        Payment.status == PaymentStatus.SUCCEEDED,
        Payment.amount + Payment.tip_amount > _GONE,
    )
    with reading() as session:
        ahead = _count(session, Attempt, campaign_id, Attempt.status.in_(OPEN_ATTEMPTS))
        if ahead >= BATCH or not session.scalar(sa.select(sa.exists().where(*is_left))):
            return 0
    with transaction() as session:
        occasion = Occasion.now(settings, clock)
        left = lock_all(session, Payment, *is_left, limit=BATCH)
        refund_rests(session, left, reason=_REASONS[outcome], occasion=occasion)
        return len(left)


def _pay_owner(
    campaign_id: int, *, gateway: Gateway, settings: Settings, clock: Clock
) -> tuple[int, list[str]]:
    """Plan the transfer once its money is available; until then say what it waits for.

    Raises ``StripeAwayError`` when Stripe does not say how things stand.
    """
    with reading() as session:
        transfer = _find_unpaid(session, campaign_id)
        if transfer is None:
            return 0, []
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
        what, until = obstacle
        return 0, [_wait(campaign_id, what, at=now, until=until)]
    assert account is not None
    assert account.stripe_account_id is not None
    return _plan(campaign_id, account.stripe_account_id, settings=settings, clock=clock), []


def _find_obstacle(
    transfer: Transfer, account: ConnectedAccount | None, *, gateway: Gateway, at: datetime
) -> tuple[str, datetime | None] | None:
    """Return what a transfer waits for and until when, or nothing when it can be made."""
    if account is None or account.readiness is not OwnerReadiness.ACTIVE:
        return "owner", None
    with reading() as session:
        available_at = _latest_available_at(session, transfer.campaign_id)
        owed_elsewhere = _due_elsewhere(session, transfer.currency)
    if available_at is not None and available_at > at:
        return "funds", available_at
    if gateway.available_amount(transfer.currency) - owed_elsewhere < transfer.amount:
        return "balance", None
    return None


def _refreshed_account(
    organisation_id: int, *, gateway: Gateway, clock: Clock
) -> ConnectedAccount | None:
    """Return the owner's account, asked about again at Stripe when last seen long ago."""
    with reading() as session:
        account = _find_account(session, organisation_id)
        is_stale = account is not None and _is_stale(account, clock.machine_now())
    if not is_stale:
        return account
    refresh_owner(organisation_id, gateway=gateway, clock=clock)
    with reading() as session:
        return _find_account(session, organisation_id)


def _plan(campaign_id: int, destination: str, *, settings: Settings, clock: Clock) -> int:
    with transaction() as session:
        lock(session, Campaign, id=campaign_id)
        transfer = _find_unpaid(session, campaign_id)
        if transfer is None:
            return 0
        occasion = Occasion.now(settings, clock)
        plan_transfer(session, transfer, destination=destination, occasion=occasion)
        return 1


def _find_unpaid(session: Session, campaign_id: int) -> Transfer | None:
    """Find the transfer still to be planned: pending, with no attempt on its way."""
    return session.scalars(
        sa.select(Transfer)
        .where(
            Transfer.campaign_id == campaign_id,
            Transfer.status == TransferStatus.PENDING,
            ~_is_under_way(),
        )
        .order_by(Transfer.id)
        .limit(1)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _is_under_way() -> sa.ColumnElement[bool]:
    return sa.exists().where(
        Attempt.kind == AttemptKind.TRANSFER_CREATE,
        Attempt.subject == Transfer.public_id,
        Attempt.status.in_(OPEN_ATTEMPTS),
    )


def _find_account(session: Session, organisation_id: int) -> ConnectedAccount | None:
    return session.scalars(
        sa.select(ConnectedAccount)
        .where(ConnectedAccount.organisation_id == organisation_id)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _is_stale(account: ConnectedAccount, machine: datetime) -> bool:
    """Tell whether Stripe should be asked again: readiness can be lost, and won, unannounced."""
    return account.checked_at is None or machine - account.checked_at > READINESS_LASTS


def _refused_until(session: Session, transfer: Transfer) -> datetime | None:
    """Return until when a transfer that Stripe refused is left alone, in machine time."""
    refused_at = session.scalar(
        sa.select(sa.func.max(Attempt.closed_at)).where(
            Attempt.kind == AttemptKind.TRANSFER_CREATE,
            Attempt.subject == transfer.public_id,
            Attempt.status == AttemptStatus.FAILED,
        )
    )
    return None if refused_at is None else refused_at + AFTER_A_REFUSAL


def _latest_available_at(session: Session, campaign_id: int) -> datetime | None:
    return session.scalar(
        sa.select(sa.func.max(Payment.available_at)).where(
            Payment.campaign_id == campaign_id, Payment.status == PaymentStatus.SUCCEEDED
        )
    )


def _due_elsewhere(session: Session, currency: str) -> int:
    """Return what others still draw from the Stripe balance, in minor units.

    Refunds that have not arrived, those of missed goals that are not planned yet, and
    transfers on their way.
    """
    drawn = (
        sa.select(sa.func.sum(Refund.amount)).where(
            Refund.status != RefundStatus.SUCCEEDED, Refund.currency == currency
        ),
        sa.select(sa.func.sum(Payment.amount + Payment.tip_amount - _GONE))
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
            _is_under_way(),
        ),
    )
    return sum(int(session.scalar(amount) or 0) for amount in drawn)


def _wait(campaign_id: int, what: str, *, at: datetime, until: datetime | None = None) -> str:
    """Show on the transfer what it waits for, and say it in the job's report."""
    with transaction() as session:
        transfer = _find_unpaid(session, campaign_id)
        if transfer is not None and (transfer.waits_for, transfer.expected_at) != (what, until):
            transfer.waits_for = what
            transfer.expected_at = until
            if what == "owner":
                tell_owner_to_register(session, transfer, at=at)
    return f"{slug_of(campaign_id)}: the transfer waits for {_WAITS[what]}{said_until(until)}"


def _settle(campaign_id: int, *, settings: Settings, clock: Clock) -> tuple[int, list[str]]:
    """Settle a campaign whose transfers are done and whose refunds have all arrived."""
    with transaction() as session:
        campaign = lock(session, Campaign, id=campaign_id)
        if campaign.status is not CampaignStatus.SETTLING:
            return 0, []
        unpaid = _count(session, Transfer, campaign_id, Transfer.status == TransferStatus.PENDING)
        unsure = _count(session, Refund, campaign_id, Refund.status != RefundStatus.SUCCEEDED)
        untold = _count(session, Pledge, campaign_id, Pledge.status == PledgeStatus.ACTIVE)
        if unpaid or unsure or untold:
            wait = [f"{campaign.slug}: {unsure} refunds have not arrived"] if unsure else []
            return 0, wait
        mark_settled(session, campaign, at=Occasion.now(settings, clock).at)
        return 1, []


def _count(
    session: Session,
    model: type[Transfer] | type[Refund] | type[Pledge] | type[Attempt],
    campaign_id: int,
    condition: sa.ColumnElement[bool],
) -> int:
    rows = sa.select(sa.func.count()).select_from(model)
    return session.scalar(rows.where(model.campaign_id == campaign_id, condition)) or 0
