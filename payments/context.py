"""The settings and the two times one transaction works with."""

from dataclasses import dataclass
from datetime import datetime

from octo.clock import Clock
from octo.config import Settings


@dataclass(frozen=True)
class Context:
    """When and under which settings something is decided.

    ``now`` is business time, for states and documents; ``machine_now`` is machine time, for
    attempts and leases. Both are aware, in UTC.
    """

    settings: Settings
    now: datetime
    machine_now: datetime

    @classmethod
    def read(cls, settings: Settings, clock: Clock) -> "Context":
        """Read both clocks, inside the open transaction."""
        now, machine_now = clock.both_now()
        return cls(settings=settings, now=now, machine_now=machine_now)
