"""A clock some time ahead of another."""

from datetime import datetime, timedelta

from octo.clock import Clock


class LaterClock:
    """The clock of a site, ``later`` by as much as a test likes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.later = timedelta(0)

    def now(self) -> datetime:
        return self._clock.now() + self.later

    def machine_now(self) -> datetime:
        return self._clock.machine_now() + self.later

    def both_now(self) -> tuple[datetime, datetime]:
        return self.now(), self.machine_now()
