"""Add events to the app: what is wrong with those who read them."""

from flask import Flask
from sqlalchemy.orm import Session

from octo.errors import N_
from octo.events.consumers import list_failing
from octo.health.vitals import Alert, Times, Vitals, figure, register_vitals


def register(app: Flask) -> None:
    """Have the site's figures tell of a consumer that cannot go on."""
    register_vitals(app, read_events)


def read_events(session: Session, times: Times) -> Vitals:
    """Read which consumers stand before an event they cannot handle."""
    del times
    failing = list_failing(session)
    gauges = [
        figure(
            "octo_event_consumers_failing",
            "Consumers that stand before an event they cannot handle.",
            len(failing),
        )
    ]
    alerts = [
        Alert(
            "event_not_handled",
            N_("Since %(since)s UTC, %(consumer)s cannot handle the next event."),
            {"consumer": consumer, "since": f"{since:%Y-%m-%d %H:%M}"},
            subject=consumer,
        )
        for consumer, since in failing
    ]
    return Vitals(gauges, alerts)
