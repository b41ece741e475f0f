"""How the site stands, as figures and alerts; each package registers what it knows.

Everything is read from the database when it is asked for, so that any process of any number
gives the same answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from octo.clock import Clock
from octo.database import reading


@dataclass(frozen=True)
class Gauge:
    """One figure by its labels, for Prometheus; never a name, an e-mail or a message."""

    name: str
    help: str
    samples: Mapping[tuple[str, ...], float]
    labels: Sequence[str] = ()


def figure(name: str, help_text: str, value: float) -> Gauge:
    """Return a gauge of one figure without labels."""
    return Gauge(name, help_text, {(): value})


@dataclass(frozen=True)
class Alert:
    """Something a person must look at: a stable code, and a sentence of the catalogs.

    ``subject`` tells two of one kind apart, such as a campaign's slug; what changes while it
    lasts, such as an amount, belongs to the parameters alone.
    """

    code: str
    message: str
    params: dict[str, Any] = field(default_factory=dict)
    subject: str = ""

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


@dataclass(frozen=True)
class Times:
    """Both clocks at the reading: business time, and machine time for leases and beats."""

    business: datetime
    machine: datetime


@dataclass
class Vitals:
    """How the site stands at one instant."""

    gauges: list[Gauge] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)


VitalsReader = Callable[[Session, Times], Vitals]


def register_vitals(app: Flask, reader: VitalsReader) -> None:
    """Have ``reader`` asked whenever somebody looks at how the site stands."""
    _readers(app).append(reader)


def read_vitals(app: Flask, clock: Clock) -> Vitals:
    """Ask every package how its part stands now; raises what the database raises."""
    together = Vitals()
    with reading() as session:
        times = Times(business=clock.now(), machine=clock.machine_now())
        for reader in _readers(app):
            part = reader(session, times)
            together.gauges += part.gauges
            together.alerts += part.alerts
    return together


def _readers(app: Flask) -> list[VitalsReader]:
    known: list[VitalsReader] = app.extensions.setdefault("octo.vitals", [])
    return known
