"""The settings and the two times one transaction works with."""

from dataclasses import dataclass
from datetime import datetime

from octo.clock import Clock
from octo.config import Settings


@dataclass(frozen=True)
class Occasion:
    """When and under which settings something is decided.

    ``at`` is business time, for states and documents; ``machine`` is machine time, for
    attempts and leases.
    """

    settings: Settings
    at: datetime
    machine: datetime

    @classmethod
    def now(cls, settings: Settings, clock: Clock) -> "Occasion":
        """Read both clocks, inside the open transaction."""
        at, machine = clock.both_now()
        return cls(settings=settings, at=at, machine=machine)
