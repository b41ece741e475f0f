"""Give everything back although the goal was reached: the owner cannot be paid.

Money may rest 90 days on a platform's balance, counted from the first charge. Before that, a
treasurer decides, and says why.
"""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.deadline.transitions import fail_after_success
from campaigns.models import Campaign
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, transaction
from octo.errors import N_, ConflictError
from octo.text import clean_paragraphs
from payments.context import Context
from payments.documents.owner_balance import find_unsent
from payments.documents.settlements import reverse_documents
from payments.models import Payment, PaymentStatus, Transfer, TransferStatus
from payments.policy import LastDay

LONGEST_REASON = 1000


class PaidAlreadyError(ConflictError):
    """A transfer has left for the owner, or may have: what is paid cannot be given back twice."""

    code = "paid_already"


def find_last_day(session: Session, campaign_id: int) -> LastDay | None:
    """Find until when a campaign's money may wait; nothing when none came."""
    first = session.scalar(
        sa.select(sa.func.min(Payment.charged_at)).where(
            Payment.campaign_id == campaign_id, Payment.status == PaymentStatus.SUCCEEDED
        )
    )
    return None if first is None else LastDay.after(first)


def refund_all(
    *, reason: str, actor: str, settings: Settings, clock: Clock, **campaign: str
) -> Campaign:
    """Turn a success into a failure, on the record, so that every backer gets everything back.

    ``campaign`` names it by ``public_id`` or ``slug``. Only before any transfer has left. One
    credit note takes back what the documents say, in the same commit; the refunds are planned
    from there on as for any campaign that failed.
    """
    reason = clean_paragraphs(reason, field="reason", most=LONGEST_REASON, is_required=True)
    with transaction() as session:
        found = lock(session, Campaign, **campaign)
        context = Context.read(settings, clock)
        _check_nothing_left(session, found, context=context)
        fail_after_success(session, campaign=found, actor=actor, reason=reason, at=context.now)
        reverse_documents(session, found, context=context)
        return found


def _check_nothing_left(session: Session, campaign: Campaign, *, context: Context) -> None:
    unsent = find_unsent(session, campaign.id, machine=context.machine_now)
    left = sa.select(Transfer.id).where(
        Transfer.campaign_id == campaign.id,
        Transfer.status != TransferStatus.NETTED,
        Transfer.id.not_in([one.id for one in unsent]),
    )
    if session.scalar(left.limit(1)) is not None:
        raise PaidAlreadyError(
            N_("A transfer has left for the owner, or may have: not everything is here to refund.")
        )
