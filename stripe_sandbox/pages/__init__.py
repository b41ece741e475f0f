"""The hosted pages: checkout, 3-D Secure, onboarding and a small dashboard."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, abort, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from stripe_sandbox.pages import checkout, dashboard, onboarding, three_d_secure
from stripe_sandbox.pages.language import language, t
from stripe_sandbox.pages.parts import own_url, show_message
from stripe_sandbox.platforms import Platforms

_FOLDER = Path(__file__).parents[1]
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none';"
    " frame-ancestors 'none'"
)


def create_pages(platforms: Platforms, public_url: str | None = None) -> Flask:
    """Return the WSGI application of everything that is not API."""
    app = Flask(
        "stripe_sandbox.pages",
        root_path=str(_FOLDER),
        static_folder="static",
        template_folder="templates",
    )
    app.extensions["platforms"] = platforms
    app.extensions["public_url"] = public_url
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["t"] = t
    app.context_processor(lambda: {"language": language()})
    for module in (checkout, three_d_secure, onboarding, dashboard):
        app.register_blueprint(module.blueprint)
    app.before_request(refuse_other_sites)
    app.after_request(protect)
    app.register_error_handler(HTTPException, explain)
    return app


def refuse_other_sites() -> None:
    """Refuse a form another site sent: these pages ask nobody to sign in."""
    origin = request.headers.get("Origin")
    own = {request.host, urlsplit(own_url()).netloc}
    if request.method == "POST" and origin and urlsplit(origin).netloc not in own:
        abort(HTTPStatus.FORBIDDEN)


def protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = "Accept-Language"
    return response


def explain(problem: HTTPException) -> ResponseReturnValue:
    """Say in plain words why there is no page."""
    status = problem.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.NOT_FOUND:
        return show_message(t("There is no such page"), t("Check the address."), status=status)
    return show_message(t("This cannot be done"), t("Go back and try again."), status=status)
