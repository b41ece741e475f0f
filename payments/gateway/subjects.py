"""What a group of attempts is about, loaded and locked in a handful of statements."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from campaigns.models import Campaign, Pledge, Reward
from octo.database import Model, lock_all
from payments.models import Attempt, AttemptKind, Payment, Refund, SavedCard

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Subjects:
    """The rows of a group; held here, since a session forgets what nobody holds."""

    by_public_id: Mapping[str, Payment | SavedCard | Refund]
    held: Sequence[Model]


def lock_subjects(session: Session, attempts: Iterable[Attempt]) -> Subjects:
    """Lock the pledges of a group, its payments, cards, campaigns and refunds: everybody's order.

    Their rewards are loaded beside them, so that nothing is looked up row by row afterwards.
    """
    group = list(attempts)
    kinds = [(attempt.subject, attempt.kind) for attempt in group]
    refund_ids = [subject for subject, kind in kinds if kind is AttemptKind.REFUND_CREATE]
    others = [subject for subject, kind in kinds if kind is not AttemptKind.REFUND_CREATE]
    of_refunds = sa.select(Payment.id, Payment.pledge_id).join(
        Refund, Refund.payment_id == Payment.id
    )
    of_payments = sa.select(Payment.id, Payment.pledge_id)
    of_cards = sa.select(sa.cast(sa.null(), sa.BigInteger()), SavedCard.pledge_id)
    found = session.execute(
        sa.union_all(
            of_refunds.where(Refund.public_id.in_(refund_ids)),
            of_payments.where(Payment.public_id.in_(others)),
            of_cards.where(SavedCard.public_id.in_(others)),
        )
    ).all()
    payment_ids = {payment_id for payment_id, _ in found} - {None}
    pledges = _lock(session, Pledge, Pledge.id, {pledge_id for _, pledge_id in found})
    payments = _lock(session, Payment, Payment.id, payment_ids)
    cards = _lock(session, SavedCard, SavedCard.public_id, others)
    campaign_ids = {one.campaign_id for one in group if one.campaign_id is not None}
    campaigns = _lock(session, Campaign, Campaign.id, campaign_ids)
    refunds = _lock(session, Refund, Refund.public_id, refund_ids)
    reward_ids = {pledge.reward_id for pledge in pledges if pledge.reward_id is not None}
    of_pledges = sa.select(Reward).where(Reward.id.in_(reward_ids))
    rewards = session.scalars(of_pledges).all() if reward_ids else ()
    rows: list[Payment | SavedCard | Refund] = [*payments, *cards, *refunds]
    return Subjects(
        by_public_id={row.public_id: row for row in rows},
        held=[*pledges, *campaigns, *rewards],
    )


def _lock(
    session: Session, model: type[M], key: InstrumentedAttribute[Any], wanted: Collection[object]
) -> Sequence[M]:
    """Lock the rows of these keys; most groups are about few kinds of rows."""
    return lock_all(session, model, key.in_(wanted)) if wanted else ()
