"""A small season for tests: one campaign succeeds, one fails, one is left running."""

from http import HTTPStatus
from http.client import HTTPConnection
from typing import Final
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign
from demo.loading import load
from demo.stagehands import Stagehands, stagehands
from octo.config import ROOT
from octo.database import db
from stripe_sandbox.client import SandboxClient

SMALL = ROOT / "tests" / "demo" / "small_season.yaml"

ENDS: Final[list[tuple[str, str | None]]] = sorted(
    [
        *[("settled", "succeeded")] * 4,
        *[("settled", "failed")] * 2,
        *[("live", None)] * 2,
        ("draft", None),
        ("submitted", None),
        ("gathering", None),
    ],
    key=str,
)
"""How each campaign of the whole season stands when it has been played."""


def load_small(app: Flask) -> Stagehands:
    """Play the small season to its end."""
    del app
    hands = stagehands()
    for _step in load(hands, path=SMALL, campaigns=ROOT / "examples" / "campaigns"):
        pass
    return hands


def states() -> dict[str, tuple[str, str | None]]:
    """Return each campaign's status and outcome by its slug."""
    rows = db.session.execute(sa.select(Campaign.slug, Campaign.status, Campaign.outcome))
    return {slug: (str(status), outcome and str(outcome)) for slug, status, outcome in rows}


def call_stripe(sandbox: SandboxClient, path: str, **fields: str) -> None:
    """Do something at Stripe by hand, behind the engine's back."""
    parts = urlsplit(sandbox.url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    headers = {
        "Authorization": f"Bearer {sandbox.key}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection.request("POST", path, urlencode(fields), headers)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    assert response.status == HTTPStatus.OK, body
