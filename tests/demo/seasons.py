"""A small season for tests: one campaign succeeds, one fails, one is left running."""

from urllib.parse import urlencode
from urllib.request import Request, urlopen

import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign
from demo.loading import load
from demo.stagehands import Stagehands, stagehands
from octo.database import db
from tests.house.tree import ROOT
from tests.sandbox import SandboxClient

SMALL = ROOT / "tests" / "demo" / "small_season.yaml"


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
    request = Request(  # noqa: S310 - the sandbox of this test
        sandbox.url + path,
        data=urlencode(fields).encode(),
        headers={"Authorization": f"Bearer {sandbox.key}"},
    )
    with urlopen(request, timeout=10):  # noqa: S310 - as above
        pass
