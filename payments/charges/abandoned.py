"""End the pledges whose checkout was left, so that their reward is for sale again."""

from typing import Final

import sqlalchemy as sa
import structlog

from campaigns.models import Pledge, PledgeStatus
from campaigns.pledges.transitions import expire_pledge
from octo.clock import Clock
from octo.config import Settings
from octo.database import lock, reading, transaction
from octo.errors import OctoError
from octo.scheduler import JobReport
from payments.charges.record import refresh_pledge
from payments.gateway.client import Gateway, StripeAwayError
from payments.models import Payment, SavedCard

_log = structlog.get_logger()

BATCH: Final = 200


def end_abandoned_pledges(*, gateway: Gateway, settings: Settings, clock: Clock) -> JobReport:
    """Ask Stripe about every pledge left unpaid past its time; stock returns only on its word.

    A pledge for which no checkout was ever begun ends without asking.
    """
    done = 0
    waiting: list[str] = []
    for pledge_id, public_id in _overdue(clock):
        try:
            refresh_pledge(public_id, gateway=gateway, settings=settings, clock=clock)
        except StripeAwayError as error:
            waiting.append(f"checkouts that were left: {error}")
            return JobReport(done=done, waiting=waiting, is_away=True)
        except OctoError as error:
            _log.exception("abandoned_not_ended", pledge=public_id)
            waiting.append(f"pledge {public_id}: {error}")
            continue
        _end_unbegun(pledge_id, clock=clock)
        done += _is_over(pledge_id)
    return JobReport(done=done, waiting=waiting)


def _overdue(clock: Clock) -> list[tuple[int, str]]:
    with reading() as session:
        rows = session.execute(
            sa.select(Pledge.id, Pledge.public_id)
            .where(Pledge.status == PledgeStatus.PENDING, Pledge.expires_at < clock.now())
            .order_by(Pledge.expires_at)
            .limit(BATCH)
        ).all()
    return [(pledge_id, public_id) for pledge_id, public_id in rows]


def _end_unbegun(pledge_id: int, *, clock: Clock) -> None:
    with transaction() as session:
        pledge = lock(session, Pledge, id=pledge_id)
        begun = sa.union_all(
            sa.select(Payment.id).where(Payment.pledge_id == pledge_id),
            sa.select(SavedCard.id).where(SavedCard.pledge_id == pledge_id),
        )
        if session.execute(begun.limit(1)).first() is None:
            expire_pledge(session, pledge=pledge, at=clock.now())


def _is_over(pledge_id: int) -> int:
    with reading() as session:
        status = session.scalar(sa.select(Pledge.status).where(Pledge.id == pledge_id))
        return int(status is not PledgeStatus.PENDING)
