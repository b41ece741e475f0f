"""Let a backer whose saved card was declined pay the pledge again, on a page of Stripe's."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.models import Campaign, Pledge
from campaigns.ports import CheckoutPage, NothingToRepairError, StillAskedError
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, lock_all, transaction
from octo.errors import N_
from payments.checkout.parameters import WayBack
from payments.checkout.sessions import begin_payment, find_open_page, open_page
from payments.context import Context
from payments.gateway.client import Gateway
from payments.models import OPEN_ATTEMPTS, Attempt, Payment, PaymentStatus
from payments.policy import is_repair_open


def start_repair(
    pledge_id: str, way_back: WayBack, *, gateway: Gateway, settings: Settings, clock: Clock
) -> CheckoutPage:
    """Open a page on which the pledge of a declined card is paid, or return the one open.

    It begins only once the intent that was declined is ended at Stripe: so the pledge cannot be
    paid twice. Should it be all the same, the database counts one and the other goes back.
    """
    with transaction() as session:
        pledge = lock(session, Pledge, public_id=pledge_id)
        payments = _lock_payments(session, pledge)
        campaign = lock(session, Campaign, id=pledge.campaign_id)
        context = Context.read(settings, clock)
        if find_declined(pledge, campaign, payments, at=context.now) is None:
            raise NothingToRepairError(N_("There is nothing to pay for this pledge now."))
        if page := next(filter(None, map(find_open_page, payments)), None):
            return page
        if _is_anything_asked(session, payments):
            raise StillAskedError(
                N_("We are still asking your bank about the last try. Come back in a minute.")
            )
        claimed = begin_payment(session, pledge, way_back, context=context)
    return open_page(claimed, gateway=gateway, settings=settings, clock=clock)


def find_declined(
    pledge: Pledge, campaign: Campaign, payments: Sequence[Payment], *, at: datetime
) -> Payment | None:
    """Return the payment that was declined and that its backer may still make good."""
    is_paid = any(one.status is PaymentStatus.SUCCEEDED for one in payments)
    ends_at = campaign.collecting_ends_at
    if is_paid or not is_repair_open(pledge.status, campaign.status, ends_at=ends_at, at=at):
        return None
    return next((one for one in payments if one.is_off_session and one.is_resolved), None)


def _lock_payments(session: Session, pledge: Pledge) -> Sequence[Payment]:
    return lock_all(session, Payment, Payment.pledge_id == pledge.id)


def _is_anything_asked(session: Session, payments: Sequence[Payment]) -> bool:
    """Tell whether a call about these payments is under way, such as the end of an intent."""
    subjects = [payment.public_id for payment in payments]
    asked = sa.select(Attempt.id).where(
        Attempt.subject.in_(subjects), Attempt.status.in_(OPEN_ATTEMPTS)
    )
    is_open = any(not payment.is_resolved for payment in payments)
    return is_open or session.scalar(asked.limit(1)) is not None
