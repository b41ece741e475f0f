"""Charge the saved cards of a campaign whose goal is reached, and have it judged again.

Each card is tried once. What is declined can be repaired until ``collecting_ends_at``; when all
is collected, or the time is over and no payment is under way, what was collected decides.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from campaigns.deadline.judge import judge_again
from campaigns.models import Campaign, CampaignStatus, Pledge, PledgeStatus
from campaigns.policy.verdict import Step
from campaigns.resources import Resource
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock_all, reading, transaction
from octo.scheduler import JobReport
from payments.blocked import note_trouble, slug_of, until
from payments.charges.off_session import ask_to_repair, charge_card
from payments.context import Context
from payments.documents.counted import HAS_PAYMENT, IS_PAID
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import UNDER_WAY, CardStatus, Freeze, Payment, SavedCard
from payments.policy import repair_reminders_due
from payments.settlement.open_payments import resolve_open

BATCH: Final = 200
MOST_BATCHES: Final = 10
_IS_UNDER_WAY: Final = sa.exists().where(
    Payment.pledge_id == Pledge.id, Payment.status.in_(UNDER_WAY)
)


def collect_campaigns(
    *, resources: Sequence[Resource], gateway: Gateway, settings: Settings, clock: Clock
) -> JobReport:
    """Take each collecting campaign on: charge, remind, and at the end judge it again.

    Any number of workers may do so at once: each step is decided under a lock.
    """
    done = 0
    unanswered = 0
    waiting: list[str] = []
    collecting = _collecting()
    for campaign_id, ends_at in collecting:
        try:
            done += _charge_cards(campaign_id, settings=settings, clock=clock)
            done += _remind(campaign_id, settings=settings, clock=clock)
            if _is_over(ends_at, clock=clock):
                resolve_open(campaign_id, gateway=gateway, settings=settings, clock=clock)
            step = judge_again(campaign_id, resources=resources, clock=clock)
        except StripeAwayError as error:
            waiting.append(f"{slug_of(campaign_id)}: {error}")
            unanswered += 1
            continue
        except Exception as error:  # noqa: BLE001 - one campaign's trouble stops no other
            waiting.append(note_trouble(campaign_id, error, settings=settings, clock=clock))
            continue
        if step in {Step.SETTLE, Step.GIVE_BACK}:
            done += 1
        else:
            waiting.append(
                f"{slug_of(campaign_id)}: cards are charged and repaired{until(ends_at)}"
            )
    return JobReport(done=done, waiting=waiting, is_away=0 < unanswered == len(collecting))


def _collecting() -> Sequence[tuple[int, datetime]]:
    with reading() as session:
        rows = session.execute(
            sa.select(Campaign.id, Campaign.collecting_ends_at)
            .where(Campaign.status == CampaignStatus.COLLECTING, ~Freeze.holds(Campaign.id))
            .order_by(Campaign.id)
        ).all()
    return [(campaign_id, ends_at) for campaign_id, ends_at in rows if ends_at is not None]


def _is_over(ends_at: datetime, *, clock: Clock) -> bool:
    with reading():
        return clock.now() >= ends_at


def _charge_cards(campaign_id: int, *, settings: Settings, clock: Clock) -> int:
    """Plan the charge of every card that has not been tried, a batch a commit."""
    planned = 0
    for _ in range(MOST_BATCHES):
        with transaction() as session:
            context = Context.read(settings, clock)
            cards = _lock_cards(session, campaign_id, ~HAS_PAYMENT)
            for card in cards:
                charge_card(session, card, context=context)
        planned += len(cards)
        if not cards:
            break
    return planned


def _remind(campaign_id: int, *, settings: Settings, clock: Clock) -> int:
    """Write again to backers whose card was declined; late, only the last reminder is sent."""
    with transaction() as session:
        context = Context.read(settings, clock)
        campaign = session.get_one(Campaign, campaign_id)
        assert campaign.decided_at is not None
        assert campaign.collecting_ends_at is not None
        number = repair_reminders_due(
            began_at=campaign.decided_at, ends_at=campaign.collecting_ends_at, at=context.now
        )
        if number == 0:
            return 0
        is_behind = SavedCard.reminders_count < number
        is_declined = sa.and_(HAS_PAYMENT, ~IS_PAID, ~_IS_UNDER_WAY, is_behind)
        cards = _lock_cards(session, campaign_id, is_declined)
        for card in cards:
            card.reminders_count = number
            ask_to_repair(
                session, card.pledge, campaign, template="repair_reminder", context=context
            )
        return len(cards)


def _lock_cards(
    session: Session, campaign_id: int, condition: sa.ColumnElement[bool]
) -> Sequence[SavedCard]:
    """Lock the next active pledges for which something is true; return their cards.

    It is asked twice: what was true when the rows were found may have been made untrue by
    whoever held them, and only a statement begun under the lock sees that.
    """
    found = (
        sa.select(SavedCard)
        .join(SavedCard.pledge)
        .where(
            Pledge.campaign_id == campaign_id,
            Pledge.status == PledgeStatus.ACTIVE,
            SavedCard.status == CardStatus.SAVED,
            condition,
        )
        .order_by(Pledge.id)
        .limit(BATCH)
    )
    lock_all(session, Pledge, Pledge.id.in_(found.with_only_columns(SavedCard.pledge_id)))
    return session.scalars(
        found.options(contains_eager(SavedCard.pledge))
        .with_for_update(of=SavedCard)
        .execution_options(populate_existing=True)
    ).all()
