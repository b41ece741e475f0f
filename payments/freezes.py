"""The freeze of a campaign: none of its money moves until a person has looked."""

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from payments.context import Context
from payments.models import Freeze

_log = structlog.get_logger()
LONGEST_REASON = 2000


def freeze(session: Session, campaign_id: int, *, reason: str, context: Context) -> None:
    """Stop all money of one campaign until a person has looked; the others go on."""
    if session.scalar(sa.select(Freeze.holds(campaign_id))):
        return
    _log.error("campaign_frozen", campaign=campaign_id, reason=reason)
    kept = reason[:LONGEST_REASON]
    session.add(Freeze(campaign_id=campaign_id, reason=kept, frozen_at=context.now))
    session.flush()
