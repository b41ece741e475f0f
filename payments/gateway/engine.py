"""The engine: sends what is planned, at Stripe's pace, and writes down what came of it.

One loop holds the database, a pool of threads holds the network, and no transaction is ever
open while Stripe is asked. A batch is committed as sent before the first of it leaves;
outcomes are committed in groups. A worker that dies leaves leases that run out.
"""

import heapq
import os
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import Final

import structlog

from octo.clock import Clock
from octo.config import Settings
from octo.database import reading, transaction
from payments.gateway.attempts import LEASE, Claimed, claim, find_due_kinds, release, renew
from payments.gateway.calls import Result, perform
from payments.gateway.client import Gateway
from payments.gateway.facts import Postponed
from payments.gateway.outcomes import record_results
from payments.gateway.rate_limiter import ACCOUNT, hold_pace, interval_of, pause
from payments.models import AttemptKind
from payments.settings import StripeSettings

_log = structlog.get_logger()

GROUP_SECONDS: Final = 0.5
GROUP_SIZE: Final = 200
CLAIM_EVERY_SECONDS: Final = 0.5
RENEW_EVERY_SECONDS: Final = LEASE.total_seconds() / 3
SAFETY_SECONDS: Final = 1.0
LATE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 0.05


@dataclass(frozen=True, order=True)
class Planned:
    """One claimed attempt, and when it may leave by this process's monotonic clock."""

    leaves_at: float
    claimed: Claimed = field(compare=False)
    machine: datetime = field(compare=False)


@dataclass(frozen=True)
class Landed:
    """What came of a call; nothing when the lease might have been lost before it left."""

    claimed: Claimed
    result: Result | None


def _name_of_this_worker() -> str:
    """Say which process holds something, told apart from one that had its number before."""
    return f"worker:{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


@dataclass
class Engine:
    """One worker's loop over the attempts; one per process, run again and again."""

    gateway: Gateway
    settings: Settings
    clock: Clock
    should_stop: Callable[[], bool] = lambda: False
    holder: str = field(default_factory=_name_of_this_worker)
    _queue: list[Planned] = field(default_factory=list)
    _flying: dict[Future[Landed], Claimed] = field(default_factory=dict)
    _landing: SimpleQueue[Future[Landed]] = field(default_factory=SimpleQueue)
    _landed: list[tuple[Claimed, Result]] = field(default_factory=list)
    _lease_ends: float = 0.0
    _renewed: float = 0.0
    _claims_again: float = 0.0
    _grouped_since: float = 0.0
    _paused_until: dict[str, float] = field(default_factory=dict)

    def run(self) -> int:
        """Send everything that is due now; return how many outcomes were written down.

        Asked to stop, it lets go of what has not left, waits for the calls in flight and
        writes them down.
        """
        written = 0
        self._claims_again = 0.0
        while True:
            self._release()
            if not self.should_stop():
                self._claim_more()
            self._keep_leases()
            self._launch()
            if not self._flying and not self._queue:
                return written + self._write_down()
            self._await_some()
            if self._is_group_full():
                written += self._write_down()

    @cached_property
    def _stripe(self) -> StripeSettings:
        return self.settings.of(StripeSettings)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """The threads that hold the network, kept so that their connections are."""
        calls = self._stripe.calls_in_flight
        return ThreadPoolExecutor(max_workers=calls, thread_name_prefix="stripe")

    def _claim_more(self) -> None:
        """Claim the next blocks of what runs short, and reserve their pace, in one commit."""
        now = time.monotonic()
        if now < self._claims_again or len(self._flying) >= self._stripe.calls_in_flight:
            return
        self._claims_again = now + CLAIM_EVERY_SECONDS
        with reading() as session:
            machine = self.clock.machine_now()
            kinds = self._running_short() & find_due_kinds(session, at=machine)
        if not kinds:
            return
        with transaction() as session:
            now, machine = time.monotonic(), self.clock.machine_now()
            pace = hold_pace(session, kinds, settings=self._stripe, at=machine)
            capacities, limit = pace.capacities, pace.account.capacity
            claims = claim(
                session, holder=self.holder, capacities=capacities, limit=limit, at=machine
            )
            planned = [Planned(now + pace.next_slot(one.kind), one, machine) for one in claims]
        if planned:
            self._line_up(planned, claimed_at=now)
            lasts = (planned[-1].leaves_at - now) / 2
            self._claims_again = now + min(lasts, CLAIM_EVERY_SECONDS)

    def _running_short(self) -> set[AttemptKind]:
        """Return the kinds of which too little is held for two rounds of claiming."""
        rate = min(self._stripe.rate, self._stripe.rate_endpoint)
        interval = interval_of(rate).total_seconds()
        held = Counter(planned.claimed.kind for planned in self._queue)
        return {kind for kind in AttemptKind if held[kind] * interval < 2 * CLAIM_EVERY_SECONDS}

    def _line_up(self, planned: list[Planned], *, claimed_at: float) -> None:
        """Hold what was claimed, counting its lease from before it was written.

        What is held already keeps its older end: a frozen process must not gain time.
        """
        if time.monotonic() > self._lease_ends:
            self._queue.clear()
        if not self._queue:
            self._hold_from(claimed_at)
        self._queue.extend(planned)
        heapq.heapify(self._queue)

    def _hold_from(self, now: float) -> None:
        self._lease_ends = now + LEASE.total_seconds() - SAFETY_SECONDS
        self._renewed = now

    def _keep_leases(self) -> None:
        """Renew what is held; what could not be renewed in time is not sent.

        What this worker was given and knows nothing of, because a commit had no answer, is not
        renewed: others take it when its lease ends.
        """
        now = time.monotonic()
        if not (self._queue or self._flying) or now - self._renewed < RENEW_EVERY_SECONDS:
            return
        if now > self._lease_ends:
            self._queue.clear()
            return
        with transaction() as session:
            renew(session, self._held(), holder=self.holder, at=self.clock.machine_now())
        if time.monotonic() > self._lease_ends:
            self._queue.clear()
        self._hold_from(now)

    def _held(self) -> list[Claimed]:
        queued = (planned.claimed for planned in self._queue)
        landed = (claimed for claimed, _ in self._landed)
        return [*queued, *self._flying.values(), *landed]

    def _release(self) -> None:
        """Leave what has not left to whoever claims next: this worker stops, or fell behind.

        What is late goes through the pace again: a worker that slept makes up for nothing.
        """
        is_late = self._queue and time.monotonic() - self._queue[0].leaves_at > LATE_SECONDS
        if not (is_late or (self._queue and self.should_stop())):
            return
        with transaction() as session:
            release(session, [one.claimed for one in self._queue], holder=self.holder)
        self._queue.clear()
        self._claims_again = 0.0

    def _launch(self) -> None:
        now = time.monotonic()
        while self._queue and len(self._flying) < self._stripe.calls_in_flight:
            if self._queue[0].leaves_at > now:
                return
            planned = heapq.heappop(self._queue)
            call = self._pool.submit(self._send, planned, self._lease_ends)
            self._flying[call] = planned.claimed
            call.add_done_callback(self._landing.put)

    def _send(self, planned: Planned, lease_ends: float) -> Landed:
        """Carry out one attempt, unless the lease may have run out: then leave it alone."""
        if time.monotonic() > lease_ends:
            return Landed(planned.claimed, None)
        result = perform(self.gateway, planned.claimed, at=planned.machine)
        return Landed(planned.claimed, result)

    def _await_some(self) -> None:
        """Wait until a call lands, the next may leave, or a moment has passed."""
        patience = LONGEST_PAUSE_SECONDS
        if self._queue and len(self._flying) < self._stripe.calls_in_flight:
            patience = min(max(self._queue[0].leaves_at - time.monotonic(), 0.0), patience)
        try:
            self._land(self._landing.get(timeout=patience))
            while True:
                self._land(self._landing.get_nowait())
        except Empty:
            return

    def _land(self, call: Future[Landed]) -> None:
        del self._flying[call]
        landed = call.result()
        if landed.result is None:
            return
        self._grouped_since = self._grouped_since or time.monotonic()
        self._landed.append((landed.claimed, landed.result))
        if isinstance(landed.result, Postponed) and landed.result.is_too_fast:
            self._slow_down(landed.claimed.kind, landed.result)

    def _slow_down(self, kind: AttemptKind, answer: Postponed) -> None:
        """Let go of what Stripe had too much of, and give no more of it out for a while."""
        name = ACCOUNT if answer.is_of_all else kind.value
        now = time.monotonic()
        if now < self._paused_until.get(name, 0.0):
            return
        self._paused_until[name] = now + answer.retry_after_seconds
        _log.warning("slowed_down", bucket=name, seconds=answer.retry_after_seconds)
        slowed = set(AttemptKind) if answer.is_of_all else {kind}
        held_back = [one.claimed for one in self._queue if one.claimed.kind in slowed]
        self._queue = [one for one in self._queue if one.claimed.kind not in slowed]
        heapq.heapify(self._queue)
        with transaction() as session:
            release(session, held_back, holder=self.holder)
            machine = self.clock.machine_now()
            pause(session, name, seconds=answer.retry_after_seconds, at=machine)

    def _is_group_full(self) -> bool:
        if not self._landed:
            return False
        is_old = time.monotonic() - self._grouped_since >= GROUP_SECONDS
        return is_old or len(self._landed) >= GROUP_SIZE

    def _write_down(self) -> int:
        landed, self._landed, self._grouped_since = self._landed, [], 0.0
        record_results(landed, settings=self.settings, clock=self.clock)
        return len(landed)
