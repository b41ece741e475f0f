"""Close a campaign at its deadline: no payment may be left open when the verdict falls."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from campaigns.services.closing import begin_closing, decide, find_due, judge
from campaigns.services.pledge_life import expire_pledge
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from octo.scheduler import JobReport
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import Attempt, AttemptKind, AttemptStatus, Payment, PaymentStatus
from payments.services.checkout import expire_checkout
from payments.services.collection import refresh_payment
from payments.services.occasion import Occasion
from payments.services.outcomes import note_trouble
from payments.settlement.issuing import issue_settlement, withdrawn_funds
from payments.waiting import slug_of

_UNRESOLVED: Final = (
    PaymentStatus.PENDING,
    PaymentStatus.PROCESSING,
    PaymentStatus.REQUIRES_ACTION,
)


def close_due_campaigns(*, gateway: Gateway, settings: Settings, clock: Clock) -> JobReport:
    """Begin the closing of every campaign whose deadline is past, and judge those that can be.

    Any number of workers may do so at once: each step is decided under the campaign's lock.
    """
    done = 0
    waiting: list[str] = []
    unanswered = 0
    for campaign_id in _due(clock):
        done += _begin(campaign_id, clock=clock)
    closing = _closing()
    for campaign_id in closing:
        try:
            left = _resolve_payments(campaign_id, gateway=gateway, settings=settings, clock=clock)
        except StripeAwayError as error:
            waiting.append(f"{slug_of(campaign_id)}: {error}")
            unanswered += 1
            continue
        except Exception as error:  # noqa: BLE001 - one campaign's trouble stops no other
            waiting.append(note_trouble(campaign_id, error, settings=settings, clock=clock))
            continue
        if left:
            waiting.append(f"{slug_of(campaign_id)}: {left} payments are not resolved yet")
            continue
        try:
            done += _judge(campaign_id, settings=settings, clock=clock)
        except Exception as error:  # noqa: BLE001 - one campaign's trouble stops no other
            waiting.append(note_trouble(campaign_id, error, settings=settings, clock=clock))
    return JobReport(done=done, waiting=waiting, is_away=0 < unanswered == len(closing))


def _due(clock: Clock) -> Sequence[int]:
    with reading() as session:
        return find_due(session, at=clock.now())


def _closing() -> Sequence[int]:
    with reading() as session:
        return session.scalars(
            sa.select(Campaign.id)
            .where(Campaign.status == CampaignStatus.CLOSING)
            .order_by(Campaign.id)
        ).all()


def _begin(campaign_id: int, *, clock: Clock) -> int:
    with transaction() as session:
        campaign = lock(session, Campaign, id=campaign_id)
        return int(begin_closing(session, campaign, at=clock.now()))


def _resolve_payments(
    campaign_id: int, *, gateway: Gateway, settings: Settings, clock: Clock
) -> int:
    """Expire every open checkout, fetch every unresolved payment; return how many are left."""
    with transaction() as session:
        occasion = Occasion.now(settings, clock)
        _end_unpaid_pledges(session, campaign_id, occasion=occasion)
        unresolved = _unresolved(session, campaign_id)
        for payment in unresolved:
            if payment.stripe_checkout_session_id is not None:
                expire_checkout(session, payment, settings=settings, at=occasion.machine)
        ids = [payment.public_id for payment in unresolved if _is_expiry_done(session, payment)]
    for payment_id in ids:
        refresh_payment(payment_id, gateway=gateway, settings=settings, clock=clock)
    with reading() as session:
        return len(_unresolved(session, campaign_id))


def _unresolved(session: Session, campaign_id: int) -> Sequence[Payment]:
    return session.scalars(
        sa.select(Payment)
        .where(Payment.campaign_id == campaign_id, Payment.status.in_(_UNRESOLVED))
        .order_by(Payment.id)
    ).all()


def _is_expiry_done(session: Session, payment: Payment) -> bool:
    """Tell whether Stripe has answered, be it with a no: the checkout also ends by itself."""
    closed = session.scalar(
        sa.select(Attempt.id)
        .where(
            Attempt.kind == AttemptKind.CHECKOUT_EXPIRE,
            Attempt.subject == payment.public_id,
            Attempt.status.in_((AttemptStatus.DONE, AttemptStatus.FAILED)),
        )
        .limit(1)
    )
    return closed is not None


def _end_unpaid_pledges(session: Session, campaign_id: int, *, occasion: Occasion) -> None:
    """Expire the pledges for which no payment was ever begun."""
    has_payment = sa.exists().where(Payment.pledge_id == Pledge.id)
    unpaid = session.scalars(
        sa.select(Pledge)
        .where(
            Pledge.campaign_id == campaign_id, Pledge.status == PledgeStatus.PENDING, ~has_payment
        )
        .order_by(Pledge.id)
        .with_for_update(of=Pledge)
    ).all()
    for pledge in unpaid:
        expire_pledge(session, pledge=pledge, at=occasion.at)


def _judge(campaign_id: int, *, settings: Settings, clock: Clock) -> int:
    """Give the verdict, and with success the settlement document, in one commit."""
    with transaction() as session:
        campaign = lock(session, Campaign, id=campaign_id)
        if campaign.status is not CampaignStatus.CLOSING or _unresolved(session, campaign_id):
            return 0
        occasion = Occasion.now(settings, clock)
        withdrawn_amount = withdrawn_funds(session, campaign, is_counted=True)
        outcome = judge(campaign, withdrawn_amount=withdrawn_amount)
        decide(session, campaign, outcome=outcome, at=occasion.at)
        if outcome is Outcome.SUCCEEDED:
            issue_settlement(session, campaign, occasion=occasion)
        return 1
