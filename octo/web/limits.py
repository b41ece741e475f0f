"""How often one visitor may try what is worth guessing or flooding.

Tries are counted by address, in the storage of ``OCTO_RATE_LIMIT_STORAGE``. Each package declares
its own limits by ``declare_limit``; a name stands once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits.errors import ConfigurationError

from octo.errors import ConfigError
from octo.runtime import Runtime

View = TypeVar("View", bound=Callable[..., Any])

limiter: Final = Limiter(key_func=get_remote_address, headers_enabled=False)
declared: Final[dict[str, "Limit"]] = {}
_MARK: Final = "octo_is_limited"


@dataclass(frozen=True)
class Limit:
    """How often something may be tried, such as ``20 per hour``; it decorates views.

    Those of one ``scope`` count together, pages and API alike; without one, each view by itself.
    """

    name: str
    rate: str
    scope: str | None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, view: View) -> View:
        """Slow a view down, and have the API's document say so."""
        if self.scope is None:
            route_limit = limiter.limit(self.rate, **self.options)
        else:
            route_limit = limiter.shared_limit(self.rate, self.scope, **self.options)
        guarded: Any = route_limit(view)
        setattr(guarded, _MARK, True)
        return cast("View", guarded)


def declare_limit(name: str, rate: str, *, is_shared: bool = True, **options: Any) -> Limit:
    """Declare a limit, on what changes something; ``options`` are Flask-Limiter's."""
    assert name not in declared, f"limit {name} is declared twice"
    scope = name if is_shared else None
    declared[name] = Limit(name, rate, scope, {"methods": ["POST"], **options})
    return declared[name]


def is_limited(view: Callable[..., Any]) -> bool:
    """Tell whether a view is slowed down."""
    return bool(getattr(view, _MARK, False))


changes: Final = declare_limit("change", "20 per hour")
each_change: Final = declare_limit("each change", "20 per hour", is_shared=False)


def register(app: Flask) -> None:
    """Start counting, unless the settings say not to; ``ConfigError`` on a storage of no kind."""
    runtime: Runtime = app.extensions["octo.runtime"]
    settings = runtime.settings.sign_in
    app.config.setdefault("RATELIMIT_ENABLED", settings.has_rate_limits)
    app.config.setdefault("RATELIMIT_STORAGE_URI", settings.rate_limit_storage)
    try:
        limiter.init_app(app)
    except ConfigurationError as error:
        raise ConfigError(f"OCTO_RATE_LIMIT_STORAGE cannot be used: {error}") from error
