"""The sandbox's own door, as tests go through it."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

CALL_SECONDS: Final = 60
LONGEST_REST_SECONDS: Final = 30
PAGE_SIZE: Final = 100
VISA: Final = "4242424242424242"

Json = Any


class SandboxError(AssertionError):
    """The sandbox refused what a test asked of it."""


class SandboxClient:
    """The sandbox's own door for one test account: its clock, faults, cards and records."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(
            parts.hostname, parts.port, timeout=CALL_SECONDS
        )
        self._rests_since = time.monotonic()

    def get(self, path: str, /, **query: object) -> Json:
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, /, **body: object) -> Json:
        return self._call("POST", path, body)

    def delete(self, path: str) -> Json:
        return self._call("DELETE", path)

    def every(self, path: str, /, **query: object) -> list[Json]:
        """Return every object of one of Stripe's lists, page after page."""
        found: list[Json] = []
        after: dict[str, object] = {}
        while True:
            page = self.get(path, limit=PAGE_SIZE, **query, **after)
            found += page["data"]
            if not page["has_more"]:
                return found
            after = {"starting_after": found[-1]["id"]}

    def now(self) -> int:
        """Return the account's business time in seconds since 1970."""
        return int(self.get("/_sandbox/clock")["now"])

    def advance(self, seconds: int) -> None:
        self.post("/_sandbox/clock/advance", seconds=seconds)

    def advance_to(self, epoch: int) -> None:
        """Move business time alone: idempotency keys grow no older by it."""
        self.post("/_sandbox/clock/advance", to=epoch, keeps_keys=True)

    def pay(self, checkout_id: str, *, card: str = VISA, three_d_secure: str = "complete") -> Json:
        """Do what a backer does on the hosted checkout page."""
        return self.post(
            f"/_sandbox/checkout/{checkout_id}/pay", card=card, three_d_secure=three_d_secure
        )

    def onboard(self, account_id: str) -> Json:
        """Do what an owner does on the hosted onboarding page."""
        return self.post(f"/_sandbox/accounts/{account_id}/onboard")

    def restrict(self, account_id: str) -> Json:
        """Take an owner's readiness away, as Stripe may at any time."""
        return self.post(f"/_sandbox/accounts/{account_id}/restrict")

    def top_up(self, amount: int, currency: str = "eur") -> Json:
        """Put the operator's own money on the platform's balance."""
        return self._call("POST", "/v1/topups", form={"amount": amount, "currency": currency})

    def call_stripe(self, path: str, **form: object) -> Json:
        """Do what someone does by hand in Stripe's dashboard."""
        return self._call("POST", path, form=form)

    def fault(self, **rule: object) -> Json:
        return self.post("/_sandbox/faults", **rule)

    def clear_faults(self) -> None:
        self.delete("/_sandbox/faults")

    def deliver_webhooks(self) -> Json:
        """Send every event that is due, before answering."""
        return self.post("/_sandbox/webhooks/deliver")

    def requests(self) -> list[Json]:
        """Return the log of the calls made to Stripe's own API."""
        return list(self.get("/_sandbox/requests")["requests"])

    def close(self) -> None:
        self._connection.close()

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, object] | None = None,
        *,
        form: dict[str, object] | None = None,
    ) -> Json:
        kind = "application/json" if form is None else "application/x-www-form-urlencoded"
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": kind}
        sent = urlencode(form) if form is not None else None
        if body is not None:
            sent = json.dumps(body)
        if time.monotonic() - self._rests_since > LONGEST_REST_SECONDS:
            self._connection.close()  # the server may have; it is opened again by itself
        self._connection.request(method, path, sent, headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        self._rests_since = time.monotonic()
        if response.status >= http.client.BAD_REQUEST:
            raise SandboxError(f"{method} {path}: {response.status} {text}")
        return json.loads(text) if text else None
