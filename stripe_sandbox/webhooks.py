"""The courier: signs what waits in the outbox, sends it, and tries again for three days."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import logging
import threading
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from stripe_sandbox.objects import Json
from stripe_sandbox.platforms import Platform, Platforms

_logger: Final = logging.getLogger(__name__)
_RETRY_SECONDS: Final = (5, 300, 1800, 7200, 18_000, 36_000)
_GIVE_UP_SECONDS: Final = 3 * 24 * 3600
_BATCH: Final = 50
_MOST_AT_ONCE: Final = 8
_TICK_SECONDS: Final = 0.2


@dataclass
class Delivery:
    """One event on its way to one endpoint."""

    seq: int
    endpoint: str
    event: str
    payload: str
    attempts: int
    status: int | None = None


def signature(payload: str, secret: str, *, at: int) -> str:
    """Return the ``Stripe-Signature`` header; always stamped in real time."""
    signed = hmac.new(secret.encode(), f"{at}.{payload}".encode(), hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


class Wire:
    """The connections of one batch of deliveries, kept open between them."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._open: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def send(self, url: str, secret: str, payload: str) -> int | None:
        """Post one payload; return the status, or nothing if no answer came."""
        parts = urlsplit(url)
        place = (parts.scheme, parts.netloc)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(payload, secret, at=int(time.time())),
        }
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection = self._open.get(place)
            if connection is None:
                kind = (
                    http.client.HTTPSConnection
                    if parts.scheme == "https"
                    else http.client.HTTPConnection
                )
                connection = self._open[place] = kind(parts.netloc, timeout=self._timeout)
            connection.request("POST", target, payload.encode(), headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            if (broken := self._open.pop(place, None)) is not None:
                broken.close()
            return None
        if response.will_close:
            self._open.pop(place).close()
        return response.status

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()


def deliver(platform: Platform, *, everything: bool = False, wait: bool = True) -> Json:
    """Send what is due, or everything that waits; each delivery is tried once."""
    counts = {"delivered": 0, "failed": 0, "dropped": 0}
    if not platform.delivery_lock.acquire(blocking=wait):
        return counts
    wire = Wire(platform.settings["webhooks"]["timeout_seconds"])
    tried: set[int] = set()
    try:
        while batch := _next_batch(platform, tried, everything=everything):
            tried.update(delivery.seq for delivery in batch)
            _send(platform, wire, batch, counts)
    finally:
        wire.close()
        platform.delivery_lock.release()
    return counts


def _next_batch(platform: Platform, tried: set[int], *, everything: bool) -> list[Delivery]:
    with platform.transaction() as store:
        rows = store.execute(
            "SELECT seq, endpoint, event, payload, attempts FROM delivery"
            " WHERE state = 'waiting' AND (? OR next_at <= ?) ORDER BY seq",
            (everything, store.now),
        )
        batch = []
        for row in rows:
            if row[0] not in tried:
                batch.append(Delivery(*row))
            if len(batch) == _BATCH:
                break
    if platform.settings["webhooks"]["reorder"]:
        batch.reverse()
    return batch


def _send(platform: Platform, wire: Wire, batch: list[Delivery], counts: Json) -> None:
    with platform.transaction() as store:
        endpoints = {each["id"]: each for each in store.select("webhook_endpoint")}
    knobs = platform.settings["webhooks"]
    for delivery in batch:
        endpoint = endpoints.get(delivery.endpoint)
        if endpoint is None or endpoint["status"] != "enabled":
            _record(platform, delivery, "dropped")
        elif knobs["drop"]:
            if knobs["drop"] > 0:
                knobs["drop"] -= 1
            _record(platform, delivery, "dropped")
            counts["dropped"] += 1
        else:
            delivery.status = wire.send(endpoint["url"], endpoint["secret"], delivery.payload)
            delivery.attempts += 1
            is_taken = delivery.status is not None and 200 <= delivery.status < 300  # noqa: PLR2004
            _record(platform, delivery, "delivered" if is_taken else "waiting")
            counts["delivered" if is_taken else "failed"] += 1


def _record(platform: Platform, delivery: Delivery, state: str) -> None:
    with platform.transaction() as store:
        pause = _RETRY_SECONDS[min(max(delivery.attempts, 1), len(_RETRY_SECONDS)) - 1]
        if (
            state == "waiting"
            and sum(_RETRY_SECONDS) + pause * (delivery.attempts - len(_RETRY_SECONDS))
            > _GIVE_UP_SECONDS
        ):
            state = "failed"
        store.execute(
            "UPDATE delivery SET state = ?, attempts = ?, next_at = ?, last_status = ?"
            " WHERE seq = ?",
            (state, delivery.attempts, store.now + pause, delivery.status, delivery.seq),
        )
        if state == "delivered":
            store.execute(
                "UPDATE object SET body = json_set(body, '$.pending_webhooks',"
                " MAX(0, json_extract(body, '$.pending_webhooks') - 1)) WHERE id = ?",
                (delivery.event,),
            )


class Courier:
    """The thread that does what falls due and sends webhooks, for every open platform."""

    def __init__(self, platforms: Platforms) -> None:
        self._platforms = platforms
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._busy: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def after_request(self, platform: Platform) -> None:
        """Send at once what the request caused, or have it sent soon."""
        if platform.next_delivery is None:
            return
        knobs = platform.settings["webhooks"]
        if knobs["before_response"] and not knobs["paused"]:
            deliver(platform, wait=False)
        else:
            self._wake.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(_TICK_SECONDS)
            self._wake.clear()
            for account in self._platforms.with_work():
                if account not in self._busy and len(self._busy) < _MOST_AT_ONCE:
                    self._busy.add(account)
                    name = f"courier {account}"
                    threading.Thread(
                        target=self._serve, args=(account,), name=name, daemon=True
                    ).start()

    def _serve(self, account: str) -> None:
        try:
            with self._platforms.using(account) as platform:
                with platform.transaction():
                    pass  # doing what fell due is part of every transaction
                if not platform.settings["webhooks"]["paused"]:
                    deliver(platform)
        except Exception:
            if not self._stopped.is_set():
                _logger.exception("the courier failed for %s", account)
        finally:
            self._busy.discard(account)
