"""``/livez`` and ``/healthz`` for balancers, ``/alerts`` to wake people, ``/metrics`` to draw."""

import hmac
from collections.abc import Iterator
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from octo import schema
from octo.database import db, reading
from octo.errors import N_, ForbiddenError
from octo.health.vitals import Alert, Gauge, Vitals, read_vitals
from octo.runtime import runtime
from octo.web.permissions import public

blueprint = Blueprint("watch", __name__)

DATABASE_AWAY: Final = Alert("database_away", N_("The database does not answer."))
SCHEMA_BEHIND: Final = Alert(
    "schema_behind", N_("The database lacks a migration: run `flask db upgrade`.")
)
_FORWARDED: Final = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_log = structlog.get_logger(__name__)


@blueprint.get("/livez")
@public
def live() -> ResponseReturnValue:
    """Answer 200 while this process answers at all; what is wrong elsewhere restarts nothing."""
    return _answer(is_well=True)


@blueprint.get("/healthz")
@public
def health() -> ResponseReturnValue:
    """Answer 200 while pages can be served from here, else 503, whatever else is to be looked at.

    Who may read them is told the reasons, and the alerts as well.
    """
    obstacle = find_obstacle()
    if not _may_read():
        return _answer(is_well=obstacle is None)
    return _answer(is_well=obstacle is None, reasons=[obstacle] if obstacle else find_alerts())


@blueprint.get("/alerts")
@public
def alerts() -> ResponseReturnValue:
    """Answer 200 when nobody need look, else 503; the reasons only to who may read them."""
    obstacle = find_obstacle()
    reasons = [obstacle] if obstacle else find_alerts()
    return _answer(is_well=not reasons, reasons=reasons if _may_read() else None)


@blueprint.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    """Give every figure in Prometheus's text format, read from the database now."""
    if not _may_read():
        raise ForbiddenError(
            N_("Figures are read on this machine, or with the token of OCTO_METRICS_TOKEN.")
        )
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Reading(read_vitals(current_app, runtime().clock)))
    return Response(
        generate_latest(registry),
        content_type=CONTENT_TYPE_LATEST,
        headers={"Cache-Control": "no-store"},
    )


def find_obstacle() -> Alert | None:
    """Find what keeps every page from being served, if anything does."""
    try:
        with reading() as session:
            return SCHEMA_BEHIND if schema.is_behind(session.connection()) else None
    except (DBAPIError, PoolTimeoutError):
        _log.warning("database_away", exc_info=True)
        db.session.rollback()
        return DATABASE_AWAY


def find_alerts() -> list[Alert]:
    """Find everything that a person must look at now."""
    try:
        return read_vitals(current_app, runtime().clock).alerts
    except (DBAPIError, PoolTimeoutError):
        _log.warning("database_away", exc_info=True)
        db.session.rollback()
        return [DATABASE_AWAY]


def _answer(*, is_well: bool, reasons: list[Alert] | None = None) -> Response:
    body: dict[str, object] = {"status": "ok" if is_well else "failing"}
    if reasons is not None:
        body["reasons"] = [{"code": one.code, "what": str(one)} for one in reasons]
    response = jsonify(body)
    response.status_code = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
    response.headers["Cache-Control"] = "no-store"
    return response


class _Reading(Collector):
    """One reading of the vitals, as the client library takes it."""

    def __init__(self, vitals: Vitals) -> None:
        counts: dict[tuple[str, ...], float] = {}
        for alert in vitals.alerts:
            counts[alert.code,] = counts.get((alert.code,), 0) + 1
        alerts = Gauge("octo_alerts", "What a person must look at.", counts, labels=("code",))
        self._gauges = [*vitals.gauges, alerts]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for gauge in self._gauges:
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
            for labels, value in gauge.samples.items():
                family.add_metric(labels, value)
            yield family


def _may_read() -> bool:
    """Tell whether the asker holds the token or, when none is set, is on this very machine.

    A site with an address for others is behind a proxy, which asks from this machine, and need not
    say for whom: there only the token tells.
    """
    token = runtime().settings.metrics_token
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    if urlsplit(runtime().settings.base_url).hostname not in _THIS_MACHINE:
        return False
    is_forwarded = any(name in request.headers for name in _FORWARDED)
    return not is_forwarded and ip_address(request.remote_addr or "::").is_loopback
