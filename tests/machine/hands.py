"""The time of a machine that is moved by hand: it stands still until somebody lets it pass."""

import time
from collections import deque
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from queue import Empty
from typing import Any, ClassVar

from octo.clock import DatabaseClock
from payments.gateway.engine import Engine


class HandClock(DatabaseClock):
    """Business and machine time, and the ``time`` module of a worker, all on one hand.

    Leases, back-offs and the age of keys follow it as deadlines do, so that an hour passes for
    everything alike, as it does in life. A sleep takes no time but this one's.
    """

    def __init__(self) -> None:
        self._instant = datetime(2027, 1, 1, tzinfo=UTC)
        self._begun_at = self._instant
        self._walks_since: float | None = None

    def begin(self, epoch: int) -> None:
        """Start at an instant of Stripe's time, in seconds since 1970."""
        self._instant = self._begun_at = datetime.fromtimestamp(epoch, UTC)

    def let_pass(self, seconds: float) -> None:
        """Let time pass here; the Stripe account has a clock of its own."""
        self._instant += timedelta(seconds=seconds)

    def walk(self) -> None:
        """Let time pass by itself from now on."""
        self._walks_since = time.monotonic()

    def now(self) -> datetime:
        if self._walks_since is None:
            return self._instant
        return self._instant + timedelta(seconds=time.monotonic() - self._walks_since)

    def machine_now(self) -> datetime:
        return self.now()

    def both_now(self) -> tuple[datetime, datetime]:
        now = self.now()
        return now, now

    def monotonic(self) -> float:
        """Stand in for ``time.monotonic``."""
        return 1_000_000.0 + (self._instant - self._begun_at).total_seconds()

    def sleep(self, seconds: float) -> None:
        """Stand in for ``time.sleep``."""
        self.let_pass(max(seconds, 0.001))  # an instant has no nanoseconds


class HandQueue:
    """A queue of calls that landed; to wait for one in vain takes time by hand."""

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self._calls: deque[Future[Any]] = deque()

    def put(self, call: Future[Any]) -> None:
        self._calls.append(call)

    def get_nowait(self) -> Future[Any]:
        if not self._calls:
            raise Empty
        return self._calls.popleft()

    def get(self, timeout: float) -> Future[Any]:
        if not self._calls:
            self._clock.sleep(timeout)
        return self.get_nowait()


class HandEngine(Engine):
    """The engine, waiting by the hand's time."""

    hand: ClassVar[HandClock]

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._landing = HandQueue(self.hand)  # type: ignore[assignment]  # it is used as one
