"""The sandbox's own door: its clock, the cards people pay with, and its lists."""

import http.client
import json
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

from octo.config import StripeSettings
from octo.errors import N_, OperatorError, UnavailableError

CALL_SECONDS: Final = 120
PAGE_SIZE: Final = 100

Json = Any


class SandboxAwayError(UnavailableError):
    """The sandbox does not answer, or is not a sandbox."""

    code = "sandbox_away"
    retry_after_seconds = 5


class SandboxRefusedError(OperatorError):
    """The sandbox refused what was asked, with this status."""

    code = "sandbox_refused"

    def __init__(self, answered: int, text: str) -> None:
        super().__init__(f"the Stripe sandbox answered {answered}: {text}")
        self.answered = answered


class SandboxDoor:
    """One connection to the sandbox, for the platform account of one secret key."""

    def __init__(self, settings: StripeSettings) -> None:
        assert settings.is_sandbox, "the demo never calls Stripe itself"
        parts = urlsplit(settings.api_base)
        assert parts.hostname is not None
        self._key = settings.secret_key
        self._connection = http.client.HTTPConnection(
            parts.hostname, parts.port or http.client.HTTP_PORT, timeout=CALL_SECONDS
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        self._connection.close()

    def now(self) -> int:
        """Return the account's time in seconds since 1970."""
        return int(self._call("GET", "/_sandbox/clock")["now"])

    def move_clock(self, to: int) -> None:
        """Move the account's business time; back only while the account is empty."""
        self._call("POST", "/_sandbox/clock/advance", {"to": to, "keeps_keys": True})

    def reset(self) -> None:
        """Forget everything of this account."""
        self._call("POST", "/_sandbox/reset", {})

    def deliver_webhooks(self) -> None:
        """Send every event that waits, before answering."""
        self._call("POST", "/_sandbox/webhooks/deliver", {})

    def pay(self, checkout_id: str, *, card: str, three_d_secure: str) -> bool:
        """Pay on the hosted page; tell whether the card was taken."""
        body = {"card": card, "three_d_secure": three_d_secure}
        try:
            answer = self._call("POST", f"/_sandbox/checkout/{checkout_id}/pay", body)
        except SandboxRefusedError as refusal:
            if refusal.answered != http.client.PAYMENT_REQUIRED:
                raise
            return False
        return answer["error"] is None

    def onboard(self, account_id: str) -> None:
        """Fill in the hosted onboarding page."""
        self._call("POST", f"/_sandbox/accounts/{account_id}/onboard", {"outcome": "complete"})

    def top_up(self, amount: int, currency: str) -> None:
        """Put the operator's own money on the platform's balance."""
        form = {"amount": amount, "currency": currency.lower(), "description": "Float"}
        self._call("POST", "/v1/topups", form=urlencode(form))

    def each(self, path: str, **query: object) -> Iterator[Json]:
        """Yield every object of one of Stripe's lists, newest first, page after page."""
        after: dict[str, object] = {}
        while True:
            page = self._call("GET", f"{path}?{urlencode({'limit': PAGE_SIZE, **query, **after})}")
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        form: str | None = None,
    ) -> Json:
        kind = "application/json" if form is None else "application/x-www-form-urlencoded"
        sent = form if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": kind}
        try:
            self._connection.request(method, path, sent, headers)
            response = self._connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise SandboxAwayError(N_("The Stripe sandbox does not answer.")) from error
        if response.status >= http.client.BAD_REQUEST:
            raise SandboxRefusedError(response.status, text[:500])
        return json.loads(text) if text else None
