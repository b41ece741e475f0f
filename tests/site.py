"""The site under test: built as ``wsgi.py`` builds it, on a database of the test's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy.engine.interfaces import DBAPIConnection

from campaigns import feature as campaigns
from campaigns import settings as campaign_settings
from demo import feature as demo
from octo.app import create_app
from octo.config import load_settings
from octo.database import db
from payments import feature as payments
from payments import settings as payment_settings
from tests.visitor import Visitor
from treasury import feature as treasury

PARTS: Final = (*campaign_settings.PARTS, *payment_settings.PARTS)
FEATURES: Final = (campaigns, payments, treasury, demo)
WEBHOOK_SECRET: Final = "whsec_for_tests_only"


class CompiledTemplates(BytecodeCache):
    """Templates compiled once for all the apps of this process."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key] = bucket.bytecode_to_string()


_templates: Final = CompiledTemplates()
_compiled: Final[dict[str, tuple[sa.Dialect, dict[Any, Any]]]] = {}


def site_environ(database_url: str, instance: Path) -> dict[str, str]:
    """Return the settings of a site that reaches no Stripe yet."""
    return {
        "DATABASE_URL": database_url,
        "OCTO_DEMO": "1",
        "OCTO_INSTANCE": str(instance),
        "OCTO_BASE_URL": "http://localhost",
        "OCTO_PASSWORD_MEMORY_KIB": "64",
        "OCTO_RATE_LIMITS": "0",
        "SECRET_KEY": "a secret key that protects nothing, for tests only",
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "STRIPE_RATE": "10000",
        "STRIPE_RATE_ENDPOINT": "10000",
        "STRIPE_SECRET_KEY": "sk_test_none",
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }


def build_app(environ: dict[str, str]) -> Flask:
    """Build the whole app, with clients that use it as a person does."""
    app = create_app(load_settings(environ, parts=PARTS), features=FEATURES)
    app.testing = True
    app.jinja_env.bytecode_cache = _templates
    app.test_client_class = Visitor
    return app


def quickened(app: Flask) -> Flask:
    """Make a site quicker by what no test looks at: SQLite's disk, and SQL compiled before."""
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            sa.event.listen(db.engine, "connect", _wait_for_nothing)
        _compile_once(db.engine)
    return app


def _compile_once(engine: sa.Engine) -> None:
    """Have all sites of this process speak one dialect, and so compile each statement once."""
    if engine.dialect.name not in _compiled:
        with engine.connect():  # for the dialect to ask what it wants to know of the database
            _compiled[engine.dialect.name] = engine.dialect, {}
        engine.dispose()
    engine.dialect, compiled = _compiled[engine.dialect.name]
    engine.update_execution_options(compiled_cache=compiled)


def _wait_for_nothing(connection: DBAPIConnection, _record: object) -> None:
    """Commit without the disk: tests kill processes, never the power."""
    connection.cursor().execute("PRAGMA synchronous = OFF")


def close(app: Flask) -> None:
    """Give back the connections of an app."""
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def migrate_with(instance: Path) -> Callable[[str], None]:
    """Return how a database is brought to the newest schema: by the project's own command."""

    def upgrade(database_url: str) -> None:
        app = build_app(site_environ(database_url, instance))
        result = app.test_cli_runner().invoke(args=["db", "upgrade"])
        assert result.exit_code == 0, result.output or result.exception
        close(app)

    return upgrade
