"""Lift a freeze: a person has looked, and says why the campaign's money may move again."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.audit import record
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, transaction
from octo.errors import N_, ConflictError, InvalidError
from payments.models import OPEN_ATTEMPTS, Attempt, Freeze, Refund, RefundStatus
from payments.services import off_session
from payments.services.occasion import Occasion
from payments.services.refunds import plan_refund

LONGEST_REASON = 1000


class NotFrozenError(ConflictError):
    """Nothing holds this campaign's money."""

    code = "not_frozen"


def lift_freeze(
    campaign_id: str, *, reason: str, actor: str, settings: Settings, clock: Clock
) -> None:
    """Let the money of a campaign move again, on the record; ``actor`` is a public id.

    Refunds and charges that Stripe refused are asked for once more, each as a new action.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise InvalidError(N_("Say why the money may move again."), field="reason")
    with transaction() as session:
        campaign = lock(session, Campaign, public_id=campaign_id)
        freeze = session.scalars(
            sa.select(Freeze)
            .where(Freeze.campaign_id == campaign.id, Freeze.lifted_at.is_(None))
            .with_for_update()
        ).one_or_none()
        if freeze is None:
            raise NotFrozenError(N_("The money of this campaign is not frozen."))
        at = clock.now()
        freeze.lifted_at = at
        freeze.lifted_by = actor
        record(
            session,
            actor=actor,
            action="campaign.unfrozen",
            subject=campaign.public_id,
            reason=reason,
            at=at,
        )
        occasion = Occasion.now(settings, clock)
        _ask_again(session, campaign, occasion=occasion)
        off_session.ask_again(session, campaign, occasion=occasion)


def _ask_again(session: Session, campaign: Campaign, *, occasion: Occasion) -> None:
    """Plan the refunds that wait for nothing any more: all their attempts were refused."""
    is_under_way = sa.exists().where(
        Attempt.subject == Refund.public_id, Attempt.status.in_(OPEN_ATTEMPTS)
    )
    left = session.scalars(
        sa.select(Refund)
        .where(
            Refund.campaign_id == campaign.id,
            Refund.status == RefundStatus.PENDING,
            Refund.stripe_refund_id.is_(None),
            ~is_under_way,
        )
        .order_by(Refund.id)
    ).all()
    for refund in left:
        plan_refund(session, refund, occasion=occasion)
