"""The post between Stripe and the site: events wait until a story says what becomes of them."""

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import stripe
from flask import Flask

from stripe_sandbox.client import SandboxClient
from tests.site import WEBHOOK_SECRET

PAGE: Final = 100
Event = dict[str, Any]


class Post:
    """Stripe's events in the order they were made, and which of them still wait."""

    def __init__(self, sandbox: SandboxClient, app: Callable[[], Flask]) -> None:
        self._sandbox = sandbox
        self._app = app
        self.begin()

    def begin(self) -> None:
        """Forget all events."""
        self.waiting: list[Event] = []
        self.lost: list[Event] = []
        self._newest: str | None = None

    def collect(self) -> None:
        """Take in what Stripe has to say since."""
        events = self._since(self._newest)
        if events:
            self._newest = events[-1]["id"]
            self.waiting += events

    def deliver(self, events: list[Event]) -> None:
        """Bring events to the site's own door, as Stripe does."""
        client = self._app().test_client()
        for event in events:
            payload = json.dumps(event)
            stamp = int(time.time())
            signature = stripe.WebhookSignature._compute_signature(
                f"{stamp}.{payload}", WEBHOOK_SECRET
            )
            response = client.post(
                "/webhooks/stripe",
                data=payload,
                headers={"Stripe-Signature": f"t={stamp},v1={signature}"},
                content_type="application/json",
            )
            assert response.status_code == HTTPStatus.OK, response.status

    def _since(self, newest: str | None) -> list[Event]:
        """Return the events after one, oldest first."""
        if newest is None:
            return self._sandbox.every("/v1/events")[::-1]
        found: list[Event] = []
        while True:
            last = found[-1]["id"] if found else newest
            page = self._sandbox.get("/v1/events", limit=PAGE, ending_before=last)
            found += reversed(page["data"])
            if not page["has_more"]:
                return found
