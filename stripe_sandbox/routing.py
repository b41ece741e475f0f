"""The table of API routes, filled by the decorators of the resource modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from werkzeug.routing import Map, Rule

from stripe_sandbox.forms import Params
from stripe_sandbox.objects import Json
from stripe_sandbox.platforms import Platform
from stripe_sandbox.store import Store


@dataclass
class Call:
    """One API request, inside its transaction."""

    store: Store
    params: Params
    path: dict[str, str]
    url_path: str
    base_url: str

    @property
    def now(self) -> int:
        return self.store.now

    def arg(self, name: str = "id") -> str:
        """Return a part of the path, as ``<id>`` in ``/v1/refunds/<id>``."""
        return self.path[name]


@dataclass
class ControlCall:
    """One request to ``/_sandbox/``: outside any transaction, it opens its own."""

    platform: Platform
    params: Params
    path: dict[str, str]
    base_url: str

    def arg(self, name: str = "id") -> str:
        return self.path[name]


ApiHandler = Callable[[Call], Json]
ControlHandler = Callable[[ControlCall], Json]


@dataclass(frozen=True)
class Route:
    """One method and path of the API, and the function that answers."""

    rule: str
    handler: ApiHandler
    params: frozenset[str] | None


URLS: Final = Map(strict_slashes=False)
CONTROL_URLS: Final = Map(strict_slashes=False)


def route(
    method: str, rule: str, *, params: str | None = None
) -> Callable[[ApiHandler], ApiHandler]:
    """Serve an API path, as ``@route("POST", "/v1/refunds", params="charge amount")``.

    ``params`` names what Stripe takes at the top level (``expand`` is always
    taken); anything else is refused as unknown. Without it anything is taken.
    """

    def register(handler: ApiHandler) -> ApiHandler:
        names = None if params is None else frozenset({*params.split(), "expand"})
        endpoint = Route(rule, handler, names)
        URLS.add(Rule(rule, methods=[method], endpoint=endpoint))
        return handler

    return register


def control(method: str, rule: str) -> Callable[[ControlHandler], ControlHandler]:
    """Serve a control path, as ``@control("POST", "/_sandbox/clock/advance")``."""

    def register(handler: ControlHandler) -> ControlHandler:
        CONTROL_URLS.add(Rule(rule, methods=[method], endpoint=handler))
        return handler

    return register
