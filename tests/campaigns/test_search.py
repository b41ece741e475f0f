"""Campaigns are found by words as people type them, with their accents or without."""

from typing import Final

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign
from octo.database import transaction
from tests.make import Make
from tests.visitor import Visitor

TITLES: Final = {
    "La forêt-jardin de Kerzouar": ("foret", "FORÊT kerzouar", "JARDIN"),
    "Repair Café": ("repair cafe", "CAFÉ", "cafe\u0301"),
    "L’École du dehors": ("l'ecole", "dehors École"),
    "Cœur d’Ouessant 100 %": ("coeur", "Cœur", "100 %", "d’ouessant"),
    "Сад на берегу": ("Сад",),
}

pytestmark = pytest.mark.both_engines


def titled(make: Make, title: str) -> str:
    """Make a campaign of this title and return the address of its page."""
    campaign = make.live_campaign()
    with transaction() as session:
        session.execute(sa.update(Campaign).where(Campaign.id == campaign.id).values(title=title))
    return f"/campaigns/{campaign.slug}"


def test_campaigns_are_found_with_and_without_accents(client: Visitor, make: Make) -> None:
    paths = {title: titled(make, title) for title in TITLES}

    shown = {
        words: [
            title
            for title, path in paths.items()
            if f'"{path}"' in client.get("/campaigns", query_string={"q": words}).text
        ]
        for searches in TITLES.values()
        for words in searches
    }

    assert shown == {words: [title] for title, searches in TITLES.items() for words in searches}
