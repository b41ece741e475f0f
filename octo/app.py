"""Build the Flask application from its settings and its features."""

from collections.abc import Sequence
from typing import Final, Protocol

import psycopg
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from octo import commands, web
from octo.accounts import feature as users
from octo.clock import DatabaseClock
from octo.config import ROOT, Settings
from octo.content import feature as content
from octo.database import configure_engine, db
from octo.events import feature as events
from octo.health import feature as watch
from octo.logging import configure_logging
from octo.mail import feature as mail
from octo.runtime import Runtime

FROZEN_AFTER_SECONDS = 20
"""How long PostgreSQL lets a process that says nothing keep the locks it holds."""

SILENT_SERVER: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""How soon a server that went without a word is given up: after some ten seconds, not hours.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS: seconds, but for
the last in milliseconds.
"""


class Feature(Protocol):
    """A package that adds its blueprints, commands and jobs to the app."""

    def register(self, app: Flask) -> None:
        """Add this feature to ``app``."""


def create_app(settings: Settings, *, features: Sequence[Feature]) -> Flask:
    """Build the app; ``octo`` knows none of its features, the composition root hands them in."""
    configure_logging(is_demo=settings.is_demo)
    app = Flask(
        "octo",
        root_path=str(ROOT),
        template_folder="templates",
        static_folder="static",
        instance_path=str(settings.instance_path),
    )
    app.url_map.strict_slashes = False
    is_https = settings.base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_SECURE=is_https,
        REMEMBER_COOKIE_SAMESITE="Lax",
        PREFERRED_URL_SCHEME="https" if is_https else "http",
    )
    if is_https:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    app.extensions["octo.runtime"] = Runtime(settings=settings, clock=DatabaseClock())
    db.init_app(app)
    with app.app_context():
        configure_engine(db.engine)
    for part in (web, content, users, events, mail, watch, commands, *features):
        part.register(app)
    return app


def _engine_options(settings: Settings) -> dict[str, object]:
    """Return how connections are made.

    PostgreSQL's own ``$1`` saves the driver from rewriting each statement: for some hundred rows
    written at once that is a fifth of what a refund takes.
    """
    if settings.database_url.startswith("sqlite"):
        return {"connect_args": {"check_same_thread": False, "timeout": 10}, "pool_size": 40}
    ends_idle = f"-c idle_in_transaction_session_timeout={FROZEN_AFTER_SECONDS}s"
    connect = {**SILENT_SERVER, "options": ends_idle, "cursor_factory": psycopg.RawCursor}
    return {
        "pool_size": 40,
        "max_overflow": 10,
        "paramstyle": "numeric_dollar",
        "connect_args": connect,
    }
