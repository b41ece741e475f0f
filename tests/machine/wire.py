"""The wire between a worker and Stripe, watched: what must hold at the moment a call leaves."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import sqlalchemy as sa

from octo.database import _OPEN_KEY, db
from payments.gateway.transport import PooledClient
from stripe_sandbox.client import SandboxClient
from tests.machine.errands import errand_here

MOVES_MONEY: Final = ("/v1/refunds", "/v1/transfers", "/reversals", "/v1/payment_intents")

T = TypeVar("T")


class Lookout:
    """What the wires of one world saw that must never be."""

    def __init__(self) -> None:
        self.breaches: list[str] = []
        self.calls = 0
        self.books: sa.Connection | None = None

    def begin(self, books: sa.Connection) -> None:
        """Look anew, at what this connection sees."""
        self.breaches = []
        self.calls = 0
        self.books = books

    def end(self) -> None:
        """Look no more."""
        if self.books is not None:
            self.books.close()
            self.books = None

    def departs(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        """Look at a call that is about to leave."""
        self.calls += 1
        if db.session.registry.has() and db.session().info.get(_OPEN_KEY):
            self.breaches.append(f"a transaction is open across {method} {url}")
        if method.upper() == "POST" and any(part in url for part in MOVES_MONEY):
            self._moves_money(url, headers.get("Idempotency-Key"))

    def _moves_money(self, url: str, key: str | None) -> None:
        if key is None:
            self.breaches.append(f"no key was sent with {url}")
            return
        assert self.books is not None
        status = self.books.execute(
            sa.text("SELECT status FROM attempt WHERE idempotency_key = :key"), {"key": key}
        ).scalar()
        if status is None:
            self.breaches.append(f"no attempt was committed before {url} left under {key}")


@dataclass
class Strike:
    """A fault of the sandbox's that waits for the workers' next calls of a kind to some paths."""

    method: str
    path: str
    fault: dict[str, Any]
    times: int

    def meets(self, method: str, path: str) -> bool:
        """Tell whether this call is waited for."""
        return self.times > 0 and fnmatchcase(method, self.method) and fnmatchcase(path, self.path)


class Weather:
    """The faults that wait; only the workers' own calls are struck, never a story's."""

    def __init__(self, sandbox: SandboxClient) -> None:
        self.strikes: list[Strike] = []
        self._sandbox = sandbox

    def departs(self, method: str, path: str) -> None:
        """Strike a call that is about to leave, if it is one that is waited for."""
        for strike in self.strikes:
            if strike.meets(method, path):
                strike.times -= 1
                self._sandbox.fault(method=method, path=path, **strike.fault)
                return


class Wire(PooledClient):
    """The SDK's own HTTP client, with weather, a halt and a lookout on its way."""

    lookout: Lookout
    weather: Weather

    def _sleep_time_seconds(self, num_retries: int) -> float:
        del num_retries
        return 0.0

    def request(  # type: ignore[override]  # as the SDK's own client narrows it
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        errand = errand_here()
        self.lookout.departs(method, url, headers or {})
        if errand is not None:
            errand.reach(is_after=False)
        self.weather.departs(method.upper(), urlsplit(url).path)
        try:
            return super().request(method, url, headers, post_data, _usage=_usage)
        finally:
            if errand is not None:
                errand.reach(is_after=True)


class InlinePool:
    """A pool of no threads: what is submitted is done at once, where it is submitted."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., T], /, *given: object) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(work(*given))
        except Exception as error:  # noqa: BLE001 - a future keeps what its work raises
            future.set_exception(error)
        return future
