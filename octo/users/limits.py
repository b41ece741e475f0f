"""How often one visitor may try what is worth guessing or flooding.

``limiter`` counts by address in the storage of ``OCTO_RATE_LIMIT_STORAGE``; other packages
decorate their views with ``limiter.limit(...)``.
"""

from typing import Final

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from octo.ids import hash_token
from octo.runtime import Runtime

limiter: Final = Limiter(key_func=get_remote_address, headers_enabled=False)

SIGN_IN_LIMIT: Final = "20 per minute; 100 per hour"
ACCOUNT_LIMIT: Final = "30 per hour"
SIGN_UP_LIMIT: Final = "10 per hour"
MAIL_LIMIT: Final = "10 per hour"
MAILBOX_LIMIT: Final = "5 per hour"
CHANGE_LIMIT: Final = "20 per hour"


def by_entered_email() -> str:
    """Count by the address that was entered, kept as a hash."""
    return f"email:{hash_token(request.form.get('email', '').strip().lower())}"


def is_refused(response: Response) -> bool:
    """Count a sign-in only when it fails: nobody else can use up a person's own tries."""
    return response.status_code not in {301, 302, 303}


def register(app: Flask) -> None:
    """Start counting, unless the settings say not to."""
    runtime: Runtime = app.extensions["octo.runtime"]
    settings = runtime.settings.sign_in
    app.config.setdefault("RATELIMIT_ENABLED", settings.has_rate_limits)
    app.config.setdefault("RATELIMIT_STORAGE_URI", settings.rate_limit_storage)
    limiter.init_app(app)
