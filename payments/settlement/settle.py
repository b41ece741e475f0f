"""After the verdict: plan the refunds or the transfer of each campaign, and see it settled."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.deadline.transitions import mark_settled
from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from octo.scheduler import JobReport
from payments.blocked import note_trouble
from payments.context import Context
from payments.documents.settlements import find_main
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import (
    OPEN_ATTEMPTS,
    Attempt,
    Block,
    Freeze,
    Payment,
    PaymentStatus,
    Refund,
    RefundReason,
    Transfer,
    TransferStatus,
)
from payments.models.locks import lock_payments
from payments.policy import reason_given_back
from payments.refunds.requests import refund_rests
from payments.settlement.end_pledges import end_pledges
from payments.settlement.transfer import pay_owner, record_block

BATCH: Final = 100
AHEAD: Final = 500
_GONE: Final = Payment.refunded_amount + Payment.disputed_amount


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
            moved, wait = 0, [record_block(campaign_id, Block.STRIPE, at=clock.now())]
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
        planned, waiting = pay_owner(campaign_id, gateway=gateway, settings=settings, clock=clock)
    else:
        planned = _plan_refunds(campaign_id, settings=settings, clock=clock)
    if ended:
        return ended + planned, waiting
    settled, wait = mark_settled_if_done(campaign_id, settings=settings, clock=clock)
    return planned + settled, waiting + wait


def _settling() -> Sequence[tuple[int, Outcome]]:
    with reading() as session:
        rows = session.execute(
            sa.select(Campaign.id, Campaign.outcome)
            .where(Campaign.status == CampaignStatus.SETTLING, ~Freeze.holds(Campaign.id))
            .order_by(Campaign.deadline_at, Campaign.id)
        ).all()
    return [(campaign_id, outcome) for campaign_id, outcome in rows if outcome is not None]


def _plan_refunds(campaign_id: int, *, settings: Settings, clock: Clock) -> int:
    """Plan the refunds of the next payments of a failed campaign, tips included.

    Not far ahead of what is sent: what is planned and waits is read at every claim.
    """
    planned = 0
    while planned < AHEAD:
        batch = _refund_batch(campaign_id, settings=settings, clock=clock)
        if not batch:
            break
        planned += batch
    return planned


def _refund_batch(campaign_id: int, *, settings: Settings, clock: Clock) -> int:
    """Plan a few refunds in one commit: whoever writes down what came of others waits for it.

    Each payment's action key is one of its own, so a batch planned twice is planned once.
    """
    is_due = is_to_refund(campaign_id)
    with reading() as session:
        ahead = _count(session, Attempt, campaign_id, Attempt.status.in_(OPEN_ATTEMPTS))
        if ahead >= AHEAD or not session.scalar(sa.select(sa.exists().where(is_due))):
            return 0
    with transaction() as session:
        context = Context.read(settings, clock)
        left = lock_payments(session, is_due, limit=BATCH)
        reason = _why_given_back(session, session.get_one(Campaign, campaign_id))
        refund_rests(session, left, reason=reason, context=context)
        return len(left)


def is_to_refund(campaign_id: int) -> sa.ColumnElement[bool]:
    """Return the condition of the payments a failed campaign gives back now.

    What a bank contests waits until it has judged.
    """
    return sa.and_(is_left(campaign_id), ~Payment.is_contested)


def is_left(campaign_id: int) -> sa.ColumnElement[bool]:
    """Return the condition of the payments of which something is to be given back."""
    return sa.and_(
        Payment.campaign_id == campaign_id,
        Payment.status == PaymentStatus.SUCCEEDED,
        Payment.amount + Payment.tip_amount > Payment.refunded_amount + Payment.disputed_amount,
    )


def _why_given_back(session: Session, campaign: Campaign) -> RefundReason:
    assert campaign.outcome is not None
    was_settled = find_main(session, campaign) is not None
    return reason_given_back(outcome=campaign.outcome, was_settled=was_settled)


def mark_settled_if_done(
    campaign_id: int, *, settings: Settings, clock: Clock
) -> tuple[int, list[str]]:
    """Settle a campaign whose transfers are done and whose refunds have all arrived.

    Asked every second for as long as money moves, it writes nothing until it may be so.
    """
    with reading() as session:
        campaign = session.get_one(Campaign, campaign_id, populate_existing=True)
        left = _find_left(session, campaign)
    if left is not None:
        return 0, left
    with transaction() as session:
        campaign = lock(session, Campaign, id=campaign_id)
        if campaign.status is not CampaignStatus.SETTLING:
            return 0, []
        if _find_left(session, campaign) is not None:
            return 0, []
        mark_settled(session, campaign, at=Context.read(settings, clock).now)
        return 1, []


def _find_left(session: Session, campaign: Campaign) -> list[str] | None:
    """Say what keeps a campaign from being settled, or nothing that is worth saying.

    Returns ``None`` when nothing keeps it.
    """
    unsure = _count(session, Refund, campaign.id, Refund.unfinished())
    if unsure:
        return [f"{campaign.slug}: {unsure} refunds have not arrived"]
    if campaign.outcome is Outcome.SUCCEEDED:
        left = _count(session, Pledge, campaign.id, Pledge.status == PledgeStatus.ACTIVE)
    else:
        left = _count(session, Payment, campaign.id, is_left(campaign.id))
    unpaid = _count(session, Transfer, campaign.id, Transfer.status == TransferStatus.PENDING)
    return [] if unpaid or left else None


def _count(
    session: Session,
    model: type[Transfer] | type[Refund] | type[Pledge] | type[Payment] | type[Attempt],
    campaign_id: int,
    condition: sa.ColumnElement[bool],
) -> int:
    rows = sa.select(sa.func.count()).select_from(model)
    return session.scalar(rows.where(model.campaign_id == campaign_id, condition)) or 0
