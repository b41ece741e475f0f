"""Pages per second, against a minimal Flask page with one query on the same database.

Requests go through the WSGI app in this process: what is measured is what the app does.
"""

import time
from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa
from flask import Flask, render_template_string
from werkzeug.test import Client

from bench.figures import Figure
from bench.places import migrate, running_site, scratch
from campaigns.models import Campaign
from octo.database import db
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment

SECONDS: Final = 4.0
TARGET: Final = 0.8
CAMPAIGNS: Final = 12


def measure() -> Iterator[Figure]:
    """Measure the home page and a campaign's page, on SQLite."""
    with scratch() as folder:
        url = f"sqlite:///{folder / 'octo.sqlite'}"
        migrate(url, folder)
        with running_site(url, folder, OCTO_RATE_LIMITS="0") as app:
            slug = _fill(app)
            limit = _requests_per_second(_minimal(url), "/")
            yield Figure("a minimal page with one query", limit, "pages/s")
            for name, path in (("home page", "/"), ("campaign page", f"/campaigns/{slug}")):
                ours = _requests_per_second(app, path)
                yield Figure(name, ours, "pages/s")
                yield Figure(f"{name} against the minimal page", ours / limit, "ratio", TARGET)


def _fill(app: Flask) -> str:
    make = Make(app, Moment(app, SandboxClient("http://127.0.0.1:9", "sk_test_none")))
    campaigns = [make.live_campaign(is_ready=False) for _ in range(CAMPAIGNS)]
    return campaigns[0].slug


def _minimal(url: str) -> Flask:
    app = Flask("minimal")
    engine = sa.create_engine(url)
    query = sa.select(Campaign.title).order_by(Campaign.id).limit(CAMPAIGNS)

    @app.get("/")
    def show() -> str:
        with engine.connect() as connection:
            titles = connection.scalars(query).all()
        return render_template_string(
            "<!doctype html><title>Campaigns</title>"
            "<ul>{% for title in titles %}<li>{{ title }}</li>{% endfor %}</ul>",
            titles=titles,
        )

    return app


def _requests_per_second(app: Flask, path: str) -> float:
    db.session.rollback()
    client = Client(app)
    for _ in range(20):
        answer = client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status}"  # noqa: PLR2004
    count, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < SECONDS:
        client.get(path)
        count += 1
    return count / elapsed
