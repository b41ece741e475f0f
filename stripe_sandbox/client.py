"""The sandbox's own door, from outside: its clock, faults, cards and records, for one account.

It needs nothing but the standard library and an address, as any client of the sandbox.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

VISA: Final = "4242424242424242"

_CALL_SECONDS: Final = 120
_LONGEST_REST_SECONDS: Final = 30
_PAGE_SIZE: Final = 100
_LONGEST_HOLD_SECONDS: Final = 60

Json = Any


class SandboxAwayError(Exception):
    """The sandbox does not answer, or what answers is no sandbox."""


class SandboxRefusedError(Exception):
    """The sandbox refused what was asked, with a status and its reason."""

    def __init__(self, asked: str, status: int, reason: str) -> None:
        super().__init__(f"{asked}: {status} {reason}")
        self.status = status
        self.reason = reason


class SandboxClient:
    """One connection to the sandbox, for the platform account of one secret key."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(
            parts.hostname, parts.port or http.client.HTTP_PORT, timeout=_CALL_SECONDS
        )
        self._rests_since = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    # --- any call ----------------------------------------------------------------------

    def get(self, path: str, /, **query: object) -> Json:
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, /, **body: object) -> Json:
        return self._call("POST", path, body)

    def delete(self, path: str) -> Json:
        return self._call("DELETE", path)

    def call_stripe(self, path: str, **form: object) -> Json:
        """Do what someone does by hand in Stripe's dashboard."""
        return self._call("POST", path, form=form)

    def each(self, path: str, /, **query: object) -> Iterator[Json]:
        """Yield every object of one of Stripe's lists, newest first, page after page."""
        after: dict[str, object] = {}
        while True:
            page = self.get(path, limit=_PAGE_SIZE, **query, **after)
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}

    def every(self, path: str, /, **query: object) -> list[Json]:
        """Return the whole of one of Stripe's lists."""
        return list(self.each(path, **query))

    # --- the account -------------------------------------------------------------------

    def now(self) -> int:
        """Return the account's business time in seconds since 1970."""
        return int(self.get("/_sandbox/clock")["now"])

    def advance(self, seconds: int) -> None:
        self.post("/_sandbox/clock/advance", seconds=seconds)

    def advance_to(self, epoch: int) -> None:
        """Move business time alone: idempotency keys grow no older by it.

        It goes back only while the account is empty.
        """
        self.post("/_sandbox/clock/advance", to=epoch, keeps_keys=True)

    def advance_at_least_to(self, epoch: int) -> None:
        """Move business time to ``epoch``; where it is past that, do what is due.

        It is not told the time it has: a second may pass meanwhile, and it never goes back.
        """
        if epoch > self.now():
            self.advance_to(epoch)
        else:
            self.post("/_sandbox/clock/advance", seconds=0, keeps_keys=True)

    @contextmanager
    def clock_held(self) -> Iterator[None]:
        """Have business time stand still while the body lasts, however busy the machine."""
        self.post("/_sandbox/clock/hold", seconds=_LONGEST_HOLD_SECONDS)
        try:
            yield
        finally:
            self.post("/_sandbox/clock/hold", seconds=0)

    def reset(self) -> None:
        """Forget everything of this account."""
        self.post("/_sandbox/reset")

    def requests(self, *, after: int = 0) -> list[Json]:
        """Return the log of the calls made to Stripe's own API, from the one ``after`` on."""
        return list(self.get("/_sandbox/requests", after=after)["requests"])

    def fault(self, **rule: object) -> Json:
        return self.post("/_sandbox/faults", **rule)

    def clear_faults(self) -> None:
        self.delete("/_sandbox/faults")

    # --- webhooks ----------------------------------------------------------------------

    def add_webhook_endpoint(self, url: str, *, secret: str, connect: bool = False) -> Json:
        """Have events sent to ``url``, signed with a secret known in advance."""
        return self.post("/_sandbox/webhook_endpoints", url=url, secret=secret, connect=connect)

    def deliver_webhooks(self) -> Json:
        """Send every event that waits, before answering."""
        return self.post("/_sandbox/webhooks/deliver")

    # --- what people do at Stripe ------------------------------------------------------

    def pay(self, checkout_id: str, *, card: str = VISA, three_d_secure: str = "complete") -> Json:
        """Do what a backer does on the hosted checkout page.

        What came of a test card is in the answer, a decline in its ``error``; a number that is
        no test card is refused with 402.
        """
        return self.post(
            f"/_sandbox/checkout/{checkout_id}/pay", card=card, three_d_secure=three_d_secure
        )

    def onboard(self, account_id: str, *, outcome: str = "complete") -> Json:
        """Do what an owner does on the hosted onboarding page."""
        return self.post(f"/_sandbox/accounts/{account_id}/onboard", outcome=outcome)

    def restrict(self, account_id: str) -> Json:
        """Take an owner's readiness away, as Stripe may at any time."""
        return self.post(f"/_sandbox/accounts/{account_id}/restrict")

    def top_up(self, amount: int, currency: str = "eur", **form: object) -> Json:
        """Put the operator's own money on the platform's balance."""
        return self.call_stripe("/v1/topups", amount=amount, currency=currency.lower(), **form)

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        form: Mapping[str, object] | None = None,
    ) -> Json:
        kind = "application/json" if form is None else "application/x-www-form-urlencoded"
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": kind}
        sent = urlencode(form) if form is not None else None
        if body is not None:
            sent = json.dumps(body)
        if time.monotonic() - self._rests_since > _LONGEST_REST_SECONDS:
            self._connection.close()  # the server may have; it is opened again by itself
        try:
            self._connection.request(method, path, sent, headers)
            response = self._connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise SandboxAwayError(f"{method} {path}: no answer from {self.url}") from error
        self._rests_since = time.monotonic()
        if response.status >= http.client.BAD_REQUEST:
            raise SandboxRefusedError(f"{method} {path}", response.status, text)
        return json.loads(text) if text else None
