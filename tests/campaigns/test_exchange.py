"""Campaigns come in from files whole or not at all, and go out as they came in."""

import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign
from octo.config import ROOT
from octo.database import db
from octo.users.models import Organisation
from tests.make import Make

EXAMPLES = sorted((ROOT / "examples" / "campaigns").iterdir())


def run(app: Flask, *words: str) -> tuple[int, str]:
    answer = app.test_cli_runner().invoke(args=["campaign", *words])
    return answer.exit_code, answer.output


@pytest.mark.parametrize("folder", EXAMPLES, ids=[folder.name for folder in EXAMPLES])
def test_an_example_goes_out_as_it_came_in(
    app: Flask, make: Make, tmp_path: Path, folder: Path
) -> None:
    owner = make.user(email="rozenn@example.org")

    code, told = run(app, "import", str(folder / "campaign.yaml"), "--owner", owner.email)
    assert code == 0, told
    code, told = run(app, "export", folder.name, "--to", str(tmp_path), "--json")

    assert code == 0, told
    assert Path(json.loads(told)["folder"]) == tmp_path / folder.name
    for file in ("campaign.yaml", "story.md", "cover.png"):
        assert (tmp_path / folder.name / file).read_bytes() == (folder / file).read_bytes(), file


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """Copy an example with one thing changed in its document."""
    folder = tmp_path / EXAMPLES[0].name
    shutil.copytree(EXAMPLES[0], folder)
    document = folder / "campaign.yaml"
    text = document.read_text()
    assert old in text
    document.write_text(text.replace(old, new, 1))
    return document


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("goal: '", "goal: '1e"), "goal"),
        (("goal: '", "goal: '-"), "goal"),
        (("currency: EUR", "currency: EURO"), "currency"),
        (("duration_days: ", "duration_days: 9"), "duration_days"),
        (("timezone: Europe/Paris", "timezone: Europe/Quimper"), "time"),
        (("story: story.md", "story: ../story.md"), "story"),
        (("format: octo-campaign/1", "format: octo-campaign/9"), "format"),
        (("place: ", "plaice: Brest\nplace: "), "plaice"),
        (("minimum: '", "minimum: 'a"), "rewards[0].minimum"),
    ],
)
def test_a_bad_file_is_refused_whole_and_says_where(
    app: Flask, make: Make, tmp_path: Path, change: tuple[str, str], place: str
) -> None:
    owner = make.user(email="rozenn@example.org")
    document = changed(tmp_path, *change)

    code, told = run(app, "import", str(document), "--owner", owner.email)

    assert code == 1
    assert place in told
    assert db.session.scalar(sa.select(sa.func.count(Campaign.id))) == 0
    assert db.session.scalar(sa.select(sa.func.count(Organisation.id))) == 0


def test_an_address_that_is_taken_and_an_unknown_owner_are_refused(app: Flask, make: Make) -> None:
    owner = make.user(email="rozenn@example.org")
    document = str(EXAMPLES[0] / "campaign.yaml")
    assert run(app, "import", document, "--owner", owner.email)[0] == 0

    assert run(app, "import", document, "--owner", owner.email)[0] == 1
    assert run(app, "import", document, "--owner", "nobody@example.org")[0] == 1
    assert run(app, "import", "nowhere.yaml", "--owner", owner.email)[0] == 2


def test_campaigns_are_listed_and_shown(app: Flask, make: Make) -> None:
    campaign = make.live_campaign(goal=100_00)

    assert campaign.slug in run(app, "list", "--status", "live")[1]
    listed = json.loads(run(app, "list", "--json")[1])
    shown = json.loads(run(app, "show", campaign.slug, "--json")[1])

    assert [one["slug"] for one in listed] == [campaign.slug]
    assert (shown["goal_amount"], shown["status"]) == (100_00, "live")
    assert run(app, "show", "nothing")[0] == 1
    assert run(app, "list", "--status", "happy")[0] == 2
