"""End the pledges whose checkout was left, so that their reward is for sale again."""

from typing import Final

import sqlalchemy as sa
import structlog

from campaigns.models import Pledge, PledgeStatus
from campaigns.services.pledge_life import expire_pledge
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from octo.errors import OctoError
from octo.scheduler import JobReport
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import Payment
from payments.services.collection import refresh_payment

_log = structlog.get_logger()

BATCH: Final = 200


def end_abandoned_pledges(*, gateway: Gateway, settings: Settings, clock: Clock) -> JobReport:
    """Ask Stripe about every pledge left unpaid past its time; stock returns only on its word.

    A pledge for which no checkout was ever begun ends without asking.
    """
    done = 0
    waiting: list[str] = []
    for pledge_id, payment_id in _overdue(clock):
        if payment_id is None:
            done += _end(pledge_id, clock=clock)
            continue
        try:
            refresh_payment(payment_id, gateway=gateway, settings=settings, clock=clock)
        except StripeAwayError as error:
            waiting.append(f"checkouts that were left: {error}")
            return JobReport(done=done, waiting=waiting, is_away=True)
        except OctoError as error:
            _log.exception("abandoned_not_ended", payment=payment_id)
            waiting.append(f"payment {payment_id}: {error}")
            continue
        done += _is_over(pledge_id)
    return JobReport(done=done, waiting=waiting)


def _overdue(clock: Clock) -> list[tuple[int, str | None]]:
    with reading() as session:
        rows = session.execute(
            sa.select(Pledge.id, Payment.public_id)
            .outerjoin(Payment, Payment.pledge_id == Pledge.id)
            .where(Pledge.status == PledgeStatus.PENDING, Pledge.expires_at < clock.now())
            .order_by(Pledge.expires_at)
            .limit(BATCH)
        ).all()
    return [(pledge_id, payment_id) for pledge_id, payment_id in rows]


def _end(pledge_id: int, *, clock: Clock) -> int:
    with transaction() as session:
        pledge = lock(session, Pledge, id=pledge_id)
        has_payment = session.scalar(sa.select(Payment.id).where(Payment.pledge_id == pledge_id))
        if has_payment is not None:
            return 0
        expire_pledge(session, pledge=pledge, at=clock.now())
        return 1


def _is_over(pledge_id: int) -> int:
    with reading() as session:
        status = session.scalar(sa.select(Pledge.status).where(Pledge.id == pledge_id))
        return int(status is not PledgeStatus.PENDING)
