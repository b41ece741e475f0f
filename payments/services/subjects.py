"""What a group of attempts is about, loaded and locked in a handful of statements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Pledge, Reward
from octo.database import Model, lock_all
from payments.models import Attempt, AttemptKind, Payment, Refund, SavedCard


@dataclass(frozen=True)
class Subjects:
    """The rows of a group; held here, since a session forgets what nobody holds."""

    refunds: Mapping[str, Refund]
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
    pledges = lock_all(session, Pledge, Pledge.id.in_({pledge_id for _, pledge_id in found}))
    payments = lock_all(session, Payment, Payment.id.in_({payment_id for payment_id, _ in found}))
    cards = lock_all(session, SavedCard, SavedCard.public_id.in_(others))
    campaign_ids = {one.campaign_id for one in group if one.campaign_id is not None}
    campaigns = lock_all(session, Campaign, Campaign.id.in_(campaign_ids))
    refunds = lock_all(session, Refund, Refund.public_id.in_(refund_ids))
    reward_ids = {pledge.reward_id for pledge in pledges if pledge.reward_id is not None}
    rewards = session.scalars(sa.select(Reward).where(Reward.id.in_(reward_ids))).all()
    return Subjects(
        refunds={refund.public_id: refund for refund in refunds},
        held=[*pledges, *payments, *cards, *campaigns, *rewards],
    )
