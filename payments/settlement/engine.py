"""The engine: sends what is planned, at Stripe's pace, and writes down what came of it.

One loop holds the database, a pool of threads holds the network, and no transaction is ever
open while Stripe is asked. A batch is committed as sent before the first of it leaves;
outcomes are committed in groups. A worker that dies leaves leases that run out.
"""

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from octo.clock import Clock
from octo.config import Settings
from octo.database import transaction
from payments.gateway.attempts import LEASE, Claimed, claim, renew
from payments.gateway.calls import Result, perform
from payments.gateway.client import Gateway
from payments.gateway.pacer import Grant, block_size, grant, is_full
from payments.services.outcomes import record_results

GROUP_SECONDS: Final = 0.5
GROUP_SIZE: Final = 200
RENEW_EVERY_SECONDS: Final = LEASE.total_seconds() / 3
SAFETY_SECONDS: Final = 1.0


@dataclass
class Planned:
    """One claimed attempt, and when it may leave by this process's monotonic clock."""

    claimed: Claimed
    machine: datetime
    leaves_at: float


@dataclass
class Engine:
    """One worker's loop over the attempts; make one per run."""

    gateway: Gateway
    settings: Settings
    clock: Clock
    should_stop: Callable[[], bool] = lambda: False
    holder: str = field(default_factory=lambda: f"worker:{uuid.uuid4()}")
    _queue: deque[Planned] = field(default_factory=deque)
    _flying: dict[Future[Result | None], Claimed] = field(default_factory=dict)
    _landed: list[tuple[Claimed, Result]] = field(default_factory=list)
    _lease_ends: float = 0.0
    _renewed: float = 0.0
    _grouped_since: float = 0.0

    def run(self) -> int:
        """Send everything that is due now; return how many outcomes were written down.

        Asked to stop, it claims no more, waits for the calls in flight and writes them down.
        """
        written = 0
        with self._pool() as pool:
            while True:
                if not self.should_stop():
                    self._claim_more()
                self._keep_leases()
                self._launch(pool)
                if not self._flying and not self._queue:
                    break
                self._await_some()
                written += self._write_down(force=False)
            written += self._write_down(force=True)
        return written

    @contextmanager
    def _pool(self) -> Iterator[ThreadPoolExecutor]:
        calls = self.settings.stripe.calls_in_flight
        with ThreadPoolExecutor(max_workers=calls, thread_name_prefix="stripe") as pool:
            yield pool

    def _claim_more(self) -> None:
        """Claim the next block and reserve its share of the pace, in one commit."""
        rate = min(self.settings.stripe.rate, self.settings.stripe.rate_endpoint)
        if len(self._queue) >= block_size(rate) // 2:
            return
        now = time.monotonic()
        with transaction() as session:
            machine = self.clock.machine_now()
            if is_full(session, at=machine):
                return
            renew(session, holder=self.holder, at=machine)
            claims = claim(session, holder=self.holder, limit=block_size(rate), at=machine)
            if not claims:
                return
            granted = grant(session, calls=len(claims), rate=rate, at=machine)
        self._hold_from(now)
        self._line_up(claims, granted, machine)

    def _hold_from(self, now: float) -> None:
        """Count the leases from before they were written: a frozen process must not gain time.

        What was held when an older lease ran out meanwhile is let go.
        """
        if time.monotonic() > self._lease_ends:
            self._queue.clear()
        self._lease_ends = now + LEASE.total_seconds() - SAFETY_SECONDS
        self._renewed = now

    def _line_up(self, claims: list[Claimed], granted: Grant, machine: datetime) -> None:
        now = time.monotonic()
        for position, claimed in enumerate(claims):
            leaves_at = now + granted.wait_seconds + position * granted.interval_seconds
            self._queue.append(Planned(claimed, machine, leaves_at))

    def _keep_leases(self) -> None:
        """Renew while anything is held; what could not be renewed in time is not sent."""
        now = time.monotonic()
        if now - self._renewed < RENEW_EVERY_SECONDS or not (self._queue or self._flying):
            return
        if now > self._lease_ends:
            self._queue.clear()
            return
        with transaction() as session:
            renew(session, holder=self.holder, at=self.clock.machine_now())
        self._hold_from(now)

    def _launch(self, pool: ThreadPoolExecutor) -> None:
        now = time.monotonic()
        if self.should_stop():
            self._queue.clear()
        while self._queue and len(self._flying) < self.settings.stripe.calls_in_flight:
            if self._queue[0].leaves_at > now:
                return
            planned = self._queue.popleft()
            self._flying[pool.submit(self._send, planned)] = planned.claimed

    def _send(self, planned: Planned) -> Result | None:
        """Carry out one attempt, unless the lease may have run out: then leave it alone."""
        if time.monotonic() > self._lease_ends:
            return None
        return perform(self.gateway, planned.claimed, at=planned.machine)

    def _await_some(self) -> None:
        pause = 0.05
        if self._queue and len(self._flying) < self.settings.stripe.calls_in_flight:
            pause = min(max(self._queue[0].leaves_at - time.monotonic(), 0.0), pause)
        if not self._flying:
            time.sleep(pause)
            return
        done, _ = wait(self._flying, timeout=pause, return_when=FIRST_COMPLETED)
        for future in done:
            claimed = self._flying.pop(future)
            result = future.result()
            if result is not None:
                self._grouped_since = self._grouped_since or time.monotonic()
                self._landed.append((claimed, result))

    def _write_down(self, *, force: bool) -> int:
        if not self._landed:
            return 0
        is_old = time.monotonic() - self._grouped_since >= GROUP_SECONDS
        is_last = not self._flying and not self._queue
        if not (force or is_old or is_last or len(self._landed) >= GROUP_SIZE):
            return 0
        landed, self._landed, self._grouped_since = self._landed, [], 0.0
        record_results(landed, settings=self.settings, clock=self.clock)
        return len(landed)
