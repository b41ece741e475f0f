"""Lift a freeze: a person has looked, and says why the campaign's money may move again."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign
from octo.audit import record
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, transaction
from octo.errors import N_, ConflictError
from octo.text import clean_paragraphs
from payments.charges import off_session
from payments.context import Context
from payments.models import OPEN_ATTEMPTS, Attempt, Freeze, Refund, RefundStatus
from payments.refunds.requests import plan_refund

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
    reason = clean_paragraphs(reason, field="reason", most=LONGEST_REASON, is_required=True)
    with transaction() as session:
        campaign = lock(session, Campaign, public_id=campaign_id)
        freeze = session.scalars(
            sa.select(Freeze)
            .where(Freeze.campaign_id == campaign.id, Freeze.opened())
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
        context = Context.read(settings, clock)
        _ask_again(session, campaign, context=context)
        off_session.ask_again(session, campaign, context=context)


def _ask_again(session: Session, campaign: Campaign, *, context: Context) -> None:
    """Plan the refunds that wait for nothing any more: all their attempts were refused.

    What somebody refunded by hand meanwhile has been taken in, and ours with it; what is not
    known yet is found when Stripe refuses, and only the rest is asked for then.
    """
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
        plan_refund(session, refund, context=context)
