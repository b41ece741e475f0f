"""Move time from one due event to the next: Stripe's clock first, then ours, then the work.

Workers claim nothing while the clocks move (``BusinessClock.is_moving``). The work itself is
done by whoever is there: a running worker, and this process, which runs the jobs as
``flask worker --once`` does; any number of workers is safe.
"""

import math
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from campaigns.models import Campaign, CampaignStatus, Pledge, PledgeStatus
from octo.clock import BusinessClock, Clock, move_clock, real_now
from octo.database import reading, transaction
from octo.scheduler import jobs
from octo.worker import run_due
from payments.models import Transfer, TransferStatus
from stripe_sandbox.client import SandboxClient

OPEN: Final = (CampaignStatus.LIVE, CampaignStatus.SUSPENDED)
UNDER_WAY: Final = (CampaignStatus.CLOSING, CampaignStatus.COLLECTING, CampaignStatus.SETTLING)
HOP: Final = timedelta(days=1)
AFTER: Final = timedelta(seconds=2)


class Journey:
    """One moving of time, from now on."""

    def __init__(self, app: Flask, sandbox: SandboxClient, clock: Clock) -> None:
        self._app = app
        self._sandbox = sandbox
        self._clock = clock

    def next_due(self, *, before: datetime) -> datetime | None:
        """Return the next instant before ``before`` at which there is something to do."""
        with reading() as session:
            now = self._clock.now()
            due = min(_due_instants(session, now), default=None)
        if due is None or due >= before:
            return None
        return max(due, now)

    def begin_at(self, at: datetime) -> None:
        """Set both clocks back to ``at``, which only an empty platform allows."""
        self._sandbox.advance_to(math.ceil(at.timestamp()))
        with transaction() as session:
            move_clock(session, self._clock, to=at)

    def move_to(self, at: datetime) -> None:
        """Set both clocks to ``at``, nothing being claimed meanwhile; never back."""
        with transaction() as session:
            _say_moving(session, is_moving=True)
        try:
            self._sandbox.advance_at_least_to(math.ceil(at.timestamp()))
            with transaction() as session:
                if at > self._clock.now():
                    move_clock(session, self._clock, to=at)
                _say_moving(session, is_moving=False)
        except BaseException:
            with transaction() as session:
                _say_moving(session, is_moving=False)
            raise

    def work(self) -> None:
        """Let webhooks arrive and do everything that is due."""
        self._sandbox.deliver_webhooks()
        run_due(self._app)

    def send(self) -> None:
        """Send what was just decided, as a worker does within a second."""
        with self._app.app_context():
            jobs(self._app)["send_attempts"].run()

    def go_through(self, until: datetime) -> Iterator[datetime]:
        """Pass every due instant before ``until``, in order, working at each; yield each."""
        while (due := self.next_due(before=until)) is not None:
            self.pass_by(due)
            yield due

    def pass_by(self, due: datetime) -> None:
        """Go just past a due instant and work."""
        self.move_to(due + AFTER)
        self.work()


def sleep_until_next_second() -> None:
    """Wait until the machine's second has just begun, so that a second's worth of time is left."""
    time.sleep(1.01 - real_now().microsecond / 1_000_000)


def _say_moving(session: Session, *, is_moving: bool) -> None:
    session.execute(sa.update(BusinessClock).values(is_moving=is_moving))


def _due_instants(session: Session, now: datetime) -> Iterator[datetime]:
    """Yield when deadlines, abandoned checkouts, repairs and transfers fall due, else a day on."""
    deadline = sa.select(sa.func.min(Campaign.deadline_at)).where(Campaign.status.in_(OPEN))
    expiry = sa.select(sa.func.min(Pledge.expires_at)).where(
        Pledge.status == PledgeStatus.PENDING, Pledge.expires_at > now
    )
    transfer = sa.select(sa.func.min(Transfer.expected_at)).where(
        Transfer.status == TransferStatus.PENDING, Transfer.expected_at > now
    )
    collecting = sa.select(sa.func.min(Campaign.collecting_ends_at)).where(
        Campaign.status == CampaignStatus.COLLECTING
    )
    under_way = sa.select(sa.func.count()).where(Campaign.status.in_(UNDER_WAY))
    asked = (deadline, expiry, transfer, collecting, under_way)
    deadline_at, expires_at, expected_at, collecting_ends_at, under_way_count = session.execute(
        sa.select(*(one.scalar_subquery() for one in asked))
    ).one()
    yield from (at for at in (deadline_at, expires_at, expected_at) if at is not None)
    if collecting_ends_at is not None:  # reminders are days apart
        yield min(collecting_ends_at, now + HOP)
    if under_way_count and expected_at is None:
        yield now + HOP
