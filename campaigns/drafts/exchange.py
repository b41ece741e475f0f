"""Bring a campaign in from a folder, and write one out to a folder."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from campaigns.drafts.campaign_file import (
    STORY,
    CampaignFile,
    CampaignFileError,
    read_campaign_file,
    write_document,
)
from campaigns.drafts.write import (
    free_slug,
    write_cost_lines,
    write_reward,
    write_terms,
    write_text,
)
from campaigns.models import Campaign, Reward
from campaigns.permissions import EDIT_CAMPAIGN
from campaigns.settings import Rules
from octo.accounts.members import add_member
from octo.accounts.models import LONGEST_NAME, MemberRole, Organisation, User
from octo.accounts.permissions import organisations_where
from octo.audit import record
from octo.clock import Clock
from octo.database import lock, reading, transaction
from octo.errors import N_, ConflictError, InvalidError, NotFoundError
from octo.ids import new_public_id
from octo.text import clean_text, slug_of

KeepPicture = Callable[[bytes], str]
ReadPicture = Callable[[str], bytes]
_KEYS: Final = {"time_zone": "timezone", "cover_description": "cover.description"}
_IN_A_LIST: Final = re.compile(r"^(\w+)-(\d+)-")


class FolderRefusedError(ConflictError):
    """The folder of an export cannot be written."""

    code = "folder_refused"


def import_campaign(
    path: Path, *, owner: User, keep_picture: KeepPicture, clock: Clock, rules: Rules
) -> Campaign:
    """Make a draft of a campaign's folder, for an organisation of ``owner``.

    All of the file is read first, and all of it is written in one commit: nothing is half
    imported.
    """
    found = read_campaign_file(path)
    cover = keep_picture(found.cover) if found.cover is not None else None
    with transaction() as session:
        at = clock.now()
        organisation = _find_organisation(session, found, owner)
        campaign = Campaign(
            public_id=new_public_id("cmp"),
            slug=free_slug(session, found.slug, is_given=True),
            organisation=organisation or _create_organisation(session, found, owner, at=at),
            cover=cover,
            created_at=at,
        )
        with _said_where():
            write_text(campaign, found.text)
            write_terms(campaign, found.terms, rules=rules)
            write_cost_lines(campaign, found.cost_lines)
        for position, draft in enumerate(found.rewards):
            reward = Reward(public_id=new_public_id("rwd"), position=position)
            with _said_where(f"rewards[{position}]."):
                write_reward(reward, draft, campaign)
            campaign.rewards.append(reward)
        session.add(campaign)
        record(
            session,
            actor=owner.public_id,
            action="campaign.imported",
            subject=campaign.public_id,
            at=at,
        )
        return campaign


def export_campaign(slug: str, *, folder: Path, read_picture: ReadPicture) -> Path:
    """Write a campaign as a folder of its name under ``folder``, and return that.

    Raises ``FolderRefusedError`` where nothing can be written.
    """
    with reading() as session:
        campaign = session.scalars(sa.select(Campaign).filter_by(slug=slug)).one_or_none()
        if campaign is None:
            raise NotFoundError(N_("There is no campaign %(slug)s."), slug=slug)
        cover_file = f"cover{Path(campaign.cover).suffix}" if campaign.cover else None
        document = write_document(campaign, cover_file=cover_file)
        cover, story = campaign.cover, campaign.story
    files = {"campaign.yaml": document.encode(), STORY: story.encode()}
    if cover is not None and cover_file is not None:
        files[cover_file] = read_picture(cover)
    target = folder / slug
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (target / name).write_bytes(content)
    except OSError as error:
        raise FolderRefusedError(
            N_("%(folder)s cannot be written: %(reason)s."),
            folder=str(target),
            reason=error.strerror,
        ) from error
    return target


@contextmanager
def _said_where(place: str = "") -> Iterator[None]:
    """Turn what the pages would refuse into a refusal that names the place in the file."""
    try:
        yield
    except InvalidError as error:
        where = f"{place}{_key_of(error.field)}" if error.field else place
        raise CampaignFileError(error.message, field=where, **error.params) from error


def _key_of(field: str) -> str:
    """Return the key of the file that a field of the pages stands for."""
    return _IN_A_LIST.sub(r"\1[\2].", _KEYS.get(field, field))


def _find_organisation(session: Session, found: CampaignFile, owner: User) -> Organisation | None:
    own = (
        sa.select(Organisation)
        .where(Organisation.id.in_(organisations_where(EDIT_CAMPAIGN, owner)))
        .order_by(Organisation.id)
        .limit(1)
    )
    if found.organisation is not None:
        return session.scalars(own.where(Organisation.name == found.organisation)).one_or_none()
    organisation = session.scalars(own).one_or_none()
    if organisation is None:
        raise CampaignFileError(
            N_("The owner has no organisation: name one."), field="organisation"
        )
    return organisation


def _create_organisation(
    session: Session, found: CampaignFile, owner: User, *, at: datetime
) -> Organisation:
    assert found.organisation is not None
    slug = slug_of(found.organisation, most=100) or "organisation"
    taken = set(
        session.scalars(sa.select(Organisation.slug).where(Organisation.slug.startswith(slug)))
    )
    organisation = Organisation(
        public_id=new_public_id("org"),
        name=clean_text(found.organisation, field="organisation.name", most=LONGEST_NAME),
        slug=next(
            s
            for n in range(1, len(taken) + 2)
            if (s := f"{slug}-{n}" if n > 1 else slug) not in taken
        ),
        legal_form=found.legal_form,
        place=found.text.place,
        created_at=at,
    )
    user = lock(session, User, id=owner.id)
    session.add(organisation)
    add_member(session, organisation, user, role=MemberRole.OWNER, at=at)
    return organisation
