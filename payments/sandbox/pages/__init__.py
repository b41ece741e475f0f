"""The hosted pages: checkout, 3-D Secure, onboarding and a small dashboard."""

from __future__ import annotations

from flask import Flask

from payments.sandbox.platforms import Platforms


def create_pages(platforms: Platforms) -> Flask:
    """Return the WSGI application of everything that is not API."""
    app = Flask("payments.sandbox.pages")
    app.extensions["platforms"] = platforms
    return app
