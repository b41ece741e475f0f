"""A campaign comes in from a folder and goes out again unchanged; a slip is named."""

import json
import os
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.drafts.campaign_file import CampaignFileError, read_campaign_file
from campaigns.models import Campaign, CampaignStatus
from octo.accounts.models import Organisation
from octo.config import ROOT
from octo.database import db
from tests.make import Make

EXAMPLES = ROOT / "examples" / "campaigns"
SLUGS = sorted(path.name for path in EXAMPLES.iterdir())
OWNER = "rozenn@example.org"

pytestmark = pytest.mark.dates


def bring_in(app: Flask, path: Path) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["campaign", "import", str(path), "--owner", OWNER])
    return result.exit_code, result.stderr


def write_copy(folder: Path, old: str, new: str) -> Path:
    shutil.copytree(EXAMPLES / "les-ciseaux-voyageurs", folder / "copy")
    file = folder / "copy" / "campaign.yaml"
    written = file.read_text()
    assert old in written
    file.write_text(written.replace(old, new, 1))
    return file


@pytest.mark.slow
def test_every_example_comes_out_as_it_came_in(app: Flask, make: Make, tmp_path: Path) -> None:
    make.user(email=OWNER)

    for slug in SLUGS:
        assert bring_in(app, EXAMPLES / slug) == (0, "")
        result = app.test_cli_runner().invoke(
            args=["campaign", "export", slug, "--to", str(tmp_path), "--json"]
        )
        written = Path(json.loads(result.stdout)["folder"])

        assert sorted(path.name for path in written.iterdir()) == [
            "campaign.yaml",
            "cover.png",
            "story.md",
        ]
        for path in written.iterdir():
            assert path.read_bytes() == (EXAMPLES / slug / path.name).read_bytes(), path

    assert len(SLUGS) >= 11
    statuses = set(db.session.scalars(sa.select(Campaign.status)))
    assert statuses == {CampaignStatus.DRAFT}


@pytest.mark.parametrize("slug", SLUGS)
def test_every_example_is_whole(slug: str) -> None:
    found = read_campaign_file(EXAMPLES / slug / "campaign.yaml")

    assert sum(line.amount for line in found.cost_lines) == found.terms.goal_amount
    assert found.text.cover_description
    assert found.rewards
    cover = EXAMPLES / slug / "cover.png"
    assert cover.with_suffix(".svg").is_file()
    assert cover.stat().st_size < 300_000


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("goal: '3200.00'", "goal: '3200'", "goal"),
        ("goal: '3200.00'", "goal: 3.2e3", "goal"),
        ("goal: '3200.00'", "goal: '-3200.00'", "goal"),
        ("goal: '3200.00'", "goal: '٣٢٠٠.00'", "goal"),
        ("minimum: '25.00'", "minimum: '25.0'", r"rewards\[1\].minimum"),
        ("stock: 60", "stock: many", r"rewards\[1\].stock"),
        ("delivery: 2027-04", "delivery: 2027-13", r"rewards\[0\].delivery"),
        ("currency: EUR", "currency: XXL", "currency"),
        ("category: solidarity", "category: cars", "category"),
        ("place:", "location:", "place"),
        ("story: story.md", "story: ../story.md", "story"),
        ("file: cover.png", "file: /etc/passwd", "cover.file"),
        ("file: cover.png", "file: missing.png", "cover.file"),
        ("currency: EUR", "currency: EUR\ncolour: red", "colour"),
        ("currency: EUR", "currency: EUR\ncurrency: EUR", "campaign.yaml"),
        ("title: Les", "title: &anchor Les", "campaign.yaml"),
        ("title: Les", "title: !!python/name:os.system Les", "campaign.yaml"),
        ("octo-campaign/1", "octo-campaign/2", "format"),
    ],
)
def test_a_slip_in_a_file_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    file = write_copy(tmp_path, old, new)

    with pytest.raises(CampaignFileError, match=named):
        read_campaign_file(file)


def test_an_unquoted_amount_means_the_same(tmp_path: Path) -> None:
    file = write_copy(tmp_path, "goal: '3200.00'", "goal: 3200.00")

    assert read_campaign_file(file).terms.goal_amount == 3200_00


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("duration_days: 40", "duration_days: 400"),
        ("timezone: Europe/Paris", "timezone: Europe/Brest"),
        ("title: Le peigne en buis", "title: Une carte postale du Yeun Elez"),
    ],
)
def test_a_file_that_breaks_a_rule_leaves_nothing_behind(
    app: Flask, make: Make, tmp_path: Path, old: str, new: str
) -> None:
    make.user(email=OWNER)

    exit_code, said = bring_in(app, write_copy(tmp_path, old, new))

    assert exit_code == 1
    assert said
    assert db.session.scalars(sa.select(Campaign)).all() == []
    assert db.session.scalars(sa.select(Organisation)).all() == []


def test_a_taken_address_and_a_stranger_are_refused(app: Flask, make: Make) -> None:
    assert bring_in(app, EXAMPLES / "radio-menez")[0] == 1
    make.user(email=OWNER)
    assert bring_in(app, EXAMPLES / "radio-menez")[0] == 0

    exit_code, said = bring_in(app, EXAMPLES / "radio-menez")

    assert exit_code == 1
    assert "radio-menez" in said


@pytest.mark.parametrize("name", ["story.md", "cover.png", "campaign.yaml"])
def test_no_link_out_of_the_folder_is_followed(
    app: Flask, make: Make, tmp_path: Path, name: str
) -> None:
    make.user(email=OWNER)
    file = write_copy(tmp_path, "slug", "slug")
    outside = tmp_path / "outside"
    (file.parent / name).rename(outside)
    (file.parent / name).symlink_to(outside)

    code, said = bring_in(app, file)

    assert (code, said.count("\n")) == (1, 1), said
    assert f"{name} cannot be read" in said


def test_a_pipe_in_the_folder_is_refused_without_waiting(
    app: Flask, make: Make, tmp_path: Path
) -> None:
    make.user(email=OWNER)
    file = write_copy(tmp_path, "slug", "slug")
    (file.parent / "story.md").unlink()
    os.mkfifo(file.parent / "story.md")

    assert bring_in(app, file)[0] == 1


def test_a_file_nested_too_deep_is_refused_in_one_line(
    app: Flask, make: Make, tmp_path: Path
) -> None:
    make.user(email=OWNER)
    file = tmp_path / "campaign.yaml"
    file.write_text("format: " + "[" * 5_000 + "]" * 5_000)

    code, said = bring_in(app, file)

    assert (code, said.count("\n")) == (1, 1), said
    assert "nested too deep" in said
