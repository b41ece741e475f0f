"""After the verdict: say to each backer what became of the pledge, and forget the cards."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Collection, Outcome, Pledge, PledgeStatus
from campaigns.pledges.transitions import mark_collected, mark_released
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock_all, reading, transaction
from payments.charges.saved_cards import forget_card
from payments.context import Context
from payments.documents.counted import IS_PAID, read_counted_each
from payments.models import Attempt, AttemptKind, CardStatus, SavedCard

BATCH: Final = 500


def end_pledges(campaign_id: int, outcome: Outcome, *, settings: Settings, clock: Clock) -> int:
    """End the next pledges of a decided campaign; return how many, and how many cards.

    What was paid is collected with success, and else ends when its refund has arrived. What was
    not paid is released: its card is never charged, and no card is kept. Where every pledge was
    paid at once and goes back, nothing ends here.
    """
    with reading() as session:
        collection = session.get_one(Campaign, campaign_id).collection
    if collection is Collection.ON_PLEDGE and outcome is not Outcome.SUCCEEDED:
        return 0
    with transaction() as session:
        context = Context.read(settings, clock)
        has_cards = collection is Collection.ON_SUCCESS
        has_succeeded = outcome is Outcome.SUCCEEDED
        unpaid = _next_active(session, campaign_id, ~IS_PAID) if has_cards else ()
        paid = _next_active(session, campaign_id, IS_PAID) if has_succeeded else ()
        cards = _next_cards(session, campaign_id) if has_cards else ()
        for pledge in unpaid:
            mark_released(session, pledge=pledge, at=context.now)
        counted = read_counted_each(session, [pledge.id for pledge in paid])
        for pledge in paid:
            mark_collected(
                session, pledge=pledge, counted_amount=counted[pledge.id], at=context.now
            )
        for card in cards:
            forget_card(session, card, context=context)
        return len(unpaid) + len(paid) + len(cards)


def _next_cards(session: Session, campaign_id: int) -> Sequence[SavedCard]:
    is_planned = sa.exists().where(
        Attempt.kind == AttemptKind.CARD_DETACH, Attempt.subject == SavedCard.public_id
    )
    return lock_all(
        session,
        SavedCard,
        SavedCard.campaign_id == campaign_id,
        SavedCard.status == CardStatus.SAVED,
        ~is_planned,
        limit=BATCH,
    )


def _next_active(
    session: Session, campaign_id: int, condition: sa.ColumnElement[bool]
) -> Sequence[Pledge]:
    is_active = (Pledge.campaign_id == campaign_id, Pledge.status == PledgeStatus.ACTIVE)
    return lock_all(session, Pledge, *is_active, condition, limit=BATCH)
