"""Close a campaign at its deadline: no payment may be left open when the verdict falls."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.deadline.transitions import begin_closing, begin_collecting, decide, find_due
from campaigns.models import Campaign, CampaignStatus, Outcome, Pledge, PledgeStatus
from campaigns.pledges.transitions import expire_pledge
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from octo.scheduler import JobReport
from payments.blocked import note_trouble, slug_of
from payments.context import Context
from payments.documents.settlements import issue_settlement
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import Payment, SavedCard
from payments.policy import Step, VerdictInputs, next_step
from payments.settings import SettlementTerms
from payments.settlement.open_payments import list_unresolved, resolve_open


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
            _end_unbegun_pledges(campaign_id, settings=settings, clock=clock)
            left = resolve_open(campaign_id, gateway=gateway, settings=settings, clock=clock)
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


def verdict_inputs_at_deadline(session: Session, campaign: Campaign) -> VerdictInputs:
    """Return all that decides the first verdict; nobody has been charged for a saved card yet."""
    return VerdictInputs(
        collection=campaign.collection,
        is_over=True,
        is_canceled=campaign.canceled_at is not None,
        is_goal_reached=campaign.is_goal_reached,
        has_payments_in_flight=bool(list_unresolved(session, campaign.id)),
        is_window_open=True,
        is_collected_short=True,
    )


def _judge(campaign_id: int, *, settings: Settings, clock: Clock) -> int:
    """Give the verdict, and with success what follows of it, in one commit.

    The owner's settlement document, when the money is there; the time to charge the saved
    cards and to repair what is declined, when it is not.
    """
    with transaction() as session:
        campaign = lock(session, Campaign, id=campaign_id)
        if campaign.status is not CampaignStatus.CLOSING:
            return 0
        context = Context.read(settings, clock)
        match next_step(verdict_inputs_at_deadline(session, campaign)):
            case Step.COLLECT:
                ends_at = context.now + timedelta(days=settings.of(SettlementTerms).repair_days)
                begin_collecting(session, campaign, ends_at=ends_at, at=context.now)
            case Step.SETTLE:
                decide(session, campaign, outcome=Outcome.SUCCEEDED, at=context.now)
                issue_settlement(session, campaign, context=context)
            case Step.GIVE_BACK:
                is_canceled = campaign.canceled_at is not None
                outcome = Outcome.CANCELED if is_canceled else Outcome.FAILED
                decide(session, campaign, outcome=outcome, at=context.now)
            case Step.WAIT | Step.TAKE_PLEDGES:
                return 0
        return 1
