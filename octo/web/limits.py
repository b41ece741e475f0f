"""How often one visitor may try what is worth guessing or flooding.

``limiter`` counts by address in the storage of ``OCTO_RATE_LIMIT_STORAGE``; what other packages
slow down they name by ``once_for_all(...)``.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

from flask import Flask, request
from flask_limiter import Limiter, RouteLimit
from flask_limiter.util import get_remote_address
from limits.errors import ConfigurationError
from werkzeug.wrappers import Response

from octo.errors import ConfigError
from octo.ids import hash_token
from octo.runtime import Runtime

View = TypeVar("View", bound=Callable[..., Any])

limiter: Final = Limiter(key_func=get_remote_address, headers_enabled=False)

SIGN_IN_LIMIT: Final = "20 per minute; 100 per hour"
ACCOUNT_LIMIT: Final = "30 per hour"
SIGN_UP_LIMIT: Final = "10 per hour"
MAIL_LIMIT: Final = "10 per hour"
MAILBOX_LIMIT: Final = "5 per hour"
CHANGE_LIMIT: Final = "20 per hour"
_MARK: Final = "octo_is_limited"


def limited(*limits: str | RouteLimit) -> Callable[[View], View]:
    """Slow a view of the API down, and have its document say so."""

    def decorate(view: View) -> View:
        guarded: Any = view
        for limit in limits:
            route_limit = limiter.limit(limit) if isinstance(limit, str) else limit
            guarded = route_limit(guarded)
        setattr(guarded, _MARK, True)
        return cast("View", guarded)

    return decorate


def is_limited(view: Callable[..., Any]) -> bool:
    """Tell whether a view is slowed down."""
    return bool(getattr(view, _MARK, False))


def by_entered_email() -> str:
    """Count by the address that was entered, kept as a hash."""
    sent = request.get_json(silent=True) if request.is_json else request.form
    email = sent.get("email") if isinstance(sent, Mapping) else None
    return f"email:{hash_token(str(email or '').strip().lower())}"


def is_refused(response: Response) -> bool:
    """Count a sign-in only when it fails: nobody else can use up a person's own tries."""
    return response.status_code not in {201, 301, 302, 303}


def once_for_all(limit: str, scope: str, **options: Any) -> RouteLimit:
    """Count the tries of pages and API together."""
    return limiter.shared_limit(limit, scope, methods=["POST"], **options)


sign_in_tries: Final = once_for_all(SIGN_IN_LIMIT, "sign in")
account_tries: Final = once_for_all(
    ACCOUNT_LIMIT, "account", key_func=by_entered_email, deduct_when=is_refused
)
sign_ups: Final = once_for_all(SIGN_UP_LIMIT, "sign up")
mails: Final = once_for_all(MAIL_LIMIT, "mail")
mailbox_mails: Final = once_for_all(MAILBOX_LIMIT, "mailbox", key_func=by_entered_email)
changes: Final = once_for_all(CHANGE_LIMIT, "change")


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
