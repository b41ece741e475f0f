"""A small season for tests: one campaign succeeds, one fails, one is left running."""

from typing import Final

import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign
from demo.loading import load
from demo.stagehands import Stagehands, stagehands
from octo.config import ROOT
from octo.database import db

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
