"""Close a campaign at its deadline: no payment may be left open when the verdict falls.

Whether the campaign stands is for ``campaigns.deadline.judge`` to say.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from campaigns.deadline.judge import judge_campaign
from campaigns.deadline.transitions import begin_closing, find_due
from campaigns.models import Campaign, CampaignStatus, Pledge, PledgeStatus
from campaigns.pledges.transitions import expire_pledge
from campaigns.policy.verdict import Step
from campaigns.resources import Resource
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from octo.scheduler import JobReport
from payments.blocked import note_trouble, slug_of
from payments.context import Context
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import Payment, SavedCard
from payments.settings import SettlementTerms
from payments.settlement.open_payments import resolve_open


def close_due_campaigns(
    *, resources: Sequence[Resource], gateway: Gateway, settings: Settings, clock: Clock
) -> JobReport:
    """Begin the closing of every campaign whose deadline is past, and judge those that can be.

    Any number of workers may do so at once: each step is decided under the campaign's lock.
    """
    done = 0
    waiting: list[str] = []
    unanswered = 0
    for campaign_id in _due(clock):
        try:
            done += _begin(campaign_id, clock=clock)
        except Exception as error:  # noqa: BLE001 - one campaign's trouble stops no other
            waiting.append(note_trouble(campaign_id, error, settings=settings, clock=clock))
    closing = _closing()
    for campaign_id in closing:
        try:
            _end_unbegun_pledges(campaign_id, settings=settings, clock=clock)
            left = resolve_open(campaign_id, gateway=gateway, settings=settings, clock=clock)
            step = judge_campaign(
                campaign_id,
                resources=resources,
                clock=clock,
                repair_days=settings.of(SettlementTerms).repair_days,
            )
        except StripeAwayError as error:
            waiting.append(f"{slug_of(campaign_id)}: {error}")
            unanswered += 1
            continue
        except Exception as error:  # noqa: BLE001 - one campaign's trouble stops no other
            waiting.append(note_trouble(campaign_id, error, settings=settings, clock=clock))
            continue
        if left and step is Step.WAIT:
            waiting.append(f"{slug_of(campaign_id)}: {left} payments are not resolved yet")
        done += step is not Step.WAIT
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


def _end_unbegun_pledges(campaign_id: int, *, settings: Settings, clock: Clock) -> None:
    """Expire the pledges for which no page was ever opened."""
    has_payment = sa.exists().where(Payment.pledge_id == Pledge.id)
    has_card = sa.exists().where(SavedCard.pledge_id == Pledge.id)
    with transaction() as session:
        context = Context.read(settings, clock)
        unbegun = session.scalars(
            sa.select(Pledge)
            .where(
                Pledge.campaign_id == campaign_id,
                Pledge.status == PledgeStatus.PENDING,
                ~has_payment,
                ~has_card,
            )
            .order_by(Pledge.id)
            .with_for_update(of=Pledge)
        ).all()
        for pledge in unbegun:
            expire_pledge(session, pledge=pledge, at=context.now)
