"""The SDK's own HTTP client, with every exchange kept as it crossed the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import stripe


@dataclass(frozen=True)
class Exchange:
    """One request and the JSON that answered it."""

    method: str
    path: str
    status: int
    answer: Any


class RecordingClient(stripe.HTTPClient):
    """Stripe's client for ``requests``, that keeps what it sent and got."""

    name = "requests"

    def __init__(self) -> None:
        super().__init__()
        self._wire = stripe.RequestsClient()
        self.exchanges: list[Exchange] = []

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        content, status, answered = self._wire.request(method, url, headers, post_data)
        text = content.decode()
        path = urlsplit(url).path
        self.exchanges.append(Exchange(method.upper(), path, status, json.loads(text)))
        return text, status, answered

    def close(self) -> None:
        self._wire.close()  # type: ignore[no-untyped-call]  # of the SDK
