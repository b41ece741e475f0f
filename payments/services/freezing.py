"""Lift a freeze: a person has looked, and says why the campaign's money may move again."""

import sqlalchemy as sa

from campaigns.models import Campaign
from octo.audit import record
from octo.clock import Clock
from octo.database import lock, transaction
from octo.errors import N_, ConflictError, InvalidError
from payments.models import Freeze

LONGEST_REASON = 1000


class NotFrozenError(ConflictError):
    """Nothing holds this campaign's money."""

    code = "not_frozen"


def lift_freeze(campaign_id: str, *, reason: str, actor: str, clock: Clock) -> None:
    """Let the money of a campaign move again, on the record; ``actor`` is a public id."""
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
