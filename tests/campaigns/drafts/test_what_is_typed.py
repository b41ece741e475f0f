"""What an owner typed is kept and shown as it was typed, to its last letter, or refused whole."""

import shutil
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign
from campaigns.models.limits import LONGEST_STORY
from octo.accounts.models import MemberRole
from octo.database import db
from tests.campaigns.drafts.test_campaign_file import EXAMPLES, OWNER, bring_in
from tests.make import PASSWORD, Make
from tests.program import Program
from tests.visitor import Visitor

END = "et voilà la fin."


def story_of(length: int) -> str:
    return "mot " * ((length - len(END)) // 4) + END.rjust((length - len(END)) % 4 + len(END))


def test_the_longest_story_is_shown_to_its_end(app: Flask, client: Visitor, make: Make) -> None:
    campaign = make.live_campaign()
    program = Program(app).sign_in(make.member(campaign.organisation, MemberRole.OWNER).email)
    story = story_of(LONGEST_STORY)

    program.patch(f"/campaigns/{campaign.public_id}", {"story": story})

    assert END in client.get(f"/campaigns/{campaign.slug}").text
    assert db.session.scalars(sa.select(Campaign.story)).one() == story


def test_a_longer_one_is_refused_by_program_and_page_and_stays_in_the_form(
    app: Flask, client: Visitor, make: Make
) -> None:
    campaign = make.live_campaign()
    owner = make.member(campaign.organisation, MemberRole.OWNER)
    story = story_of(LONGEST_STORY + 1)
    before = campaign.story

    answer = (
        Program(app)
        .sign_in(owner.email)
        .ask("PATCH", f"/campaigns/{campaign.public_id}", json={"story": story})
    )
    client.sign_in(owner.email, PASSWORD)
    page = client.submit(f"/owner/campaigns/{campaign.public_id}/text", {"story": story})

    assert (answer.status_code, page.status_code) == (422, 422)
    assert "50000" in answer.text.replace(",", "").replace("\u202f", "")
    assert END in page.text
    assert db.session.scalars(sa.select(Campaign.story)).one() == before


def test_a_folder_saved_with_marks_at_the_head_of_its_files_is_read_without(
    app: Flask, client: Visitor, make: Make, tmp_path: Path
) -> None:
    make.user(email=OWNER)
    shutil.copytree(EXAMPLES / "les-ciseaux-voyageurs", tmp_path / "copy")
    for name in ("campaign.yaml", "story.md"):
        file = tmp_path / "copy" / name
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))

    assert bring_in(app, tmp_path / "copy" / "campaign.yaml") == (0, "")

    story = db.session.scalars(sa.select(Campaign.story)).one()
    assert story == (EXAMPLES / "les-ciseaux-voyageurs" / "story.md").read_text()
