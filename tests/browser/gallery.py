"""A small site worth a picture: two of the example campaigns, running and ended."""

from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from campaigns.drafts.exchange import import_campaign
from campaigns.models import Campaign, CampaignStatus
from campaigns.settings import Rules
from demo.supervision import ROOT
from octo.accounts.models import RoleName, User
from octo.content.feature import storage
from octo.content.images import keep_image
from octo.database import lock, reading, transaction
from octo.runtime import runtime
from payments.models import Document
from tests.make import Make

EXAMPLES: Final = ROOT / "examples" / "campaigns"


class Gallery:
    """People and campaigns of the kind the site is for, made on one test's database."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self.owner = self._person("Nolwenn Le Gall", RoleName.OWNER)
        self.moderator = self._person("Yannick Kerbrat", RoleName.MODERATOR)
        self.treasurer = self._person("Fatima Benali", RoleName.TREASURER)
        self.draft = self._bring("la-laverie-des-bocaux", CampaignStatus.DRAFT)
        self.submitted = self._bring("le-canot-des-plomarch", CampaignStatus.SUBMITTED)
        self.ended = self._bring("le-dernier-quart", CampaignStatus.LIVE)
        self.live = self._bring("radio-menez", CampaignStatus.LIVE, days=40)
        self.pledge = make.pledge(self.live, 260_00, tip=2_00)

    def end_one(self) -> None:
        """Let one campaign reach its goal and pay its owner."""
        self._make.onboard(self.ended.organisation)
        self._make.pledge(self.ended, self.ended.goal_amount + 120_00, tip=5_00)
        for days in (31, 8):
            self._make.moment.advance(days=days)
            self._make.work()

    def settlement_number(self) -> str:
        """Return the number of the one document there is: it begins with the year."""
        with reading() as session:
            return session.scalars(sa.select(Document.number)).one()

    def _person(self, name: str, role: RoleName) -> User:
        address = f"{name.split(maxsplit=1)[0].lower()}@example.org"
        return self._make.user(name, email=address, roles=(role,))

    def _bring(self, folder: str, status: CampaignStatus, *, days: int = 30) -> Campaign:
        campaign = import_campaign(
            EXAMPLES / folder / "campaign.yaml",
            owner=self.owner,
            keep_picture=lambda raw: keep_image(raw, storage(), field="cover"),
            clock=self._make.moment.clock,
            rules=runtime().settings.of(Rules),
        )
        now = self._make.moment.now().replace(microsecond=0)
        with transaction() as session:
            locked = lock(session, Campaign, id=campaign.id)
            locked.status = status
            if status is not CampaignStatus.DRAFT:
                locked.submitted_at = now
            if status is CampaignStatus.LIVE:
                locked.launched_at = now
                locked.deadline_at = now + timedelta(days=days)
        return locked
