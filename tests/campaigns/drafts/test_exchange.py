"""Campaign files are refused whole, with the place to mend; campaigns are listed and shown."""

import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign
from octo.accounts.models import Organisation
from octo.config import ROOT
from octo.database import db
from tests.make import Make

EXAMPLES = sorted((ROOT / "examples" / "campaigns").iterdir())


def run(app: Flask, *words: str) -> tuple[int, str]:
    answer = app.test_cli_runner().invoke(args=["campaign", *words])
    return answer.exit_code, answer.output


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
        (("timezone: Europe/Paris", "timezone: Europe/Quimper"), "timezone"),
        (("story: story.md", "story: ../story.md"), "story"),
        (("format: octo-campaign/1", "format: octo-campaign/9"), "format"),
        (("place: ", "plaice: Brest\nplace: "), "plaice"),
        (("minimum: '", "minimum: 'a"), "rewards[0].minimum"),
        (("- label: 180 ", f"- label: {'x' * 121} "), "cost_lines[0].label"),
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


def test_a_file_that_is_not_there_is_bad_use(app: Flask, make: Make) -> None:
    owner = make.user(email="rozenn@example.org")

    assert run(app, "import", "nowhere.yaml", "--owner", owner.email)[0] == 2


def test_a_folder_that_cannot_be_written_is_named(app: Flask, make: Make, tmp_path: Path) -> None:
    campaign = make.live_campaign()
    taken = tmp_path / "taken"
    taken.write_text("a file where a folder should be")

    code, told = run(app, "export", campaign.slug, "--to", str(taken / "here"), "--json")

    assert code == 1
    assert json.loads(told)["code"] == "folder_refused"


def test_campaigns_are_listed_and_shown(app: Flask, make: Make) -> None:
    campaign = make.live_campaign(goal=100_00)

    assert campaign.slug in run(app, "list", "--status", "live")[1]
    listed = json.loads(run(app, "list", "--json")[1])
    shown = json.loads(run(app, "show", campaign.slug, "--json")[1])

    assert [one["slug"] for one in listed] == [campaign.slug]
    assert (shown["goal_amount"], shown["status"]) == (100_00, "live")
    assert run(app, "show", "nothing")[0] == 1
    assert run(app, "list", "--status", "happy")[0] == 2
