"""A mail to many: one row when it is caused, then each reader once, whatever dies in between."""

import time
from collections.abc import Sequence
from datetime import datetime
from multiprocessing.synchronize import Event as Flag
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.events import CampaignEvent, record_campaign_event
from campaigns.mails import BACKERS, OWN_CAMPAIGNS
from campaigns.models import Campaign, Pledge, PledgeStatus
from octo.database import db, transaction
from octo.events import consumers
from octo.events.record import Event
from octo.mail import mailings
from octo.mail.audiences import Announcement, announcements_of
from octo.mail.mailings import Mailing, write_mailings
from octo.mail.outbox import OutboxMessage
from octo.mail.preferences import MailRefusal
from octo.runtime import runtime
from octo.worker import run_due
from tests.doomed import Doomed
from tests.make import Make
from tests.moment import Moment
from tests.visitor import refresh

TEMPLATE: Final = "campaign_launched"
MANY: Final = 10_000
KILLS: Final = 3
PATIENCE_SECONDS: Final = 120


def told(app: Flask) -> None:
    """Tell the backers of a campaign that its deadline moved, by a mail they may do without."""
    announcements = announcements_of(app)
    announcements[:] = [Announcement(CampaignEvent.EXTENDED, TEMPLATE, BACKERS)]


@pytest.fixture
def campaign(app: Flask, make: Make) -> Campaign:
    told(app)
    return make.live_campaign(is_ready=False)


def backed_by(campaign: Campaign, emails: Sequence[str], *, at: datetime, **more: Any) -> None:
    """Write active pledges, past the shop."""
    rows = [
        {
            "public_id": f"plg_{campaign.id}_{number}_{email}"[:40],
            "campaign_id": campaign.id,
            "email": email,
            "name": "Léa",
            "locale": "fr",
            "amount": 15_00,
            "tip_amount": 0,
            "shipping_amount": 0,
            "currency": "EUR",
            "status": PledgeStatus.ACTIVE,
            "request_key": f"{campaign.id}-{number}-{email}",
            "created_at": at,
            "expires_at": at,
            "confirmed_at": at,
            **more,
        }
        for number, email in enumerate(emails)
    ]
    with transaction() as session:
        session.execute(sa.insert(Pledge), rows)


def extend(campaign: Campaign, *, at: datetime) -> None:
    with transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        record_campaign_event(session, found, CampaignEvent.EXTENDED, at=at)


def mailed() -> list[str]:
    refresh()
    mails = sa.select(OutboxMessage.email).where(OutboxMessage.template == TEMPLATE)
    return list(db.session.scalars(mails.order_by(OutboxMessage.email)))


def count(model: type[Event] | type[OutboxMessage] | type[Mailing]) -> int:
    refresh()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def addresses(many: int) -> list[str]:
    return [f"backer-{number:05}@example.org" for number in range(many)]


def test_a_reader_with_two_pledges_is_told_once(
    app: Flask, campaign: Campaign, moment: Moment
) -> None:
    backed_by(campaign, ["b@example.org", "a@example.org", "b@example.org"], at=moment.now())
    extend(campaign, at=moment.now())

    run_due(app)
    run_due(app)

    assert mailed() == ["a@example.org", "b@example.org"]


def test_once_each_across_parts_too(
    app: Flask, campaign: Campaign, moment: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailings, "BATCH", 2)
    emails = [f"{letter}@example.org" for letter in "abcabcd"]
    backed_by(campaign, emails, at=moment.now())
    extend(campaign, at=moment.now())

    run_due(app)

    assert mailed() == [f"{letter}@example.org" for letter in "abcd"]
    (mailing,) = db.session.scalars(sa.select(Mailing))
    assert mailing.closed_at is not None
    assert mailing.written_count == 4


def test_who_canceled_who_left_and_who_does_not_want_it_is_not_told(
    app: Flask, campaign: Campaign, moment: Moment
) -> None:
    now = moment.now()
    backed_by(campaign, ["a@example.org", "b@example.org", "x@erased.invalid"], at=now)
    backed_by(campaign, ["left@example.org"], at=now, status=PledgeStatus.CANCELED, canceled_at=now)
    with transaction() as session:
        session.add(MailRefusal(email="b@example.org", kind=OWN_CAMPAIGNS.name, refused_at=now))
    extend(campaign, at=now)

    run_due(app)

    assert mailed() == ["a@example.org"]


def test_the_trouble_of_one_mailing_stops_no_other(
    app: Flask, campaign: Campaign, moment: Moment
) -> None:
    backed_by(campaign, ["a@example.org"], at=moment.now())
    extend(campaign, at=moment.now())
    extend(campaign, at=moment.now())
    with transaction() as session:
        for event_id in session.scalars(sa.select(Event.id)).all():
            audience = "nobody" if event_id == 1 else BACKERS.name
            session.add(Mailing(event_id=event_id, template=TEMPLATE, audience=audience))

    with pytest.raises(KeyError, match="nobody"):
        write_mailings(app, clock=runtime().clock)

    assert mailed() == ["a@example.org"]


def test_two_mails_of_one_mailing_to_one_address_cannot_be(
    app: Flask, campaign: Campaign, moment: Moment
) -> None:
    backed_by(campaign, ["a@example.org"], at=moment.now())
    extend(campaign, at=moment.now())
    run_due(app)

    refresh()
    (mail,) = db.session.scalars(sa.select(OutboxMessage).filter_by(template=TEMPLATE))
    again = {c.name: getattr(mail, c.name) for c in OutboxMessage.__table__.columns}
    write = sa.insert(OutboxMessage).values(again | {"id": 999, "public_id": "msg_again"})

    with pytest.raises(sa.exc.IntegrityError, match="mailing"), transaction() as session:
        session.execute(write)


@pytest.mark.slow
def test_ten_thousand_are_told_once_each_though_workers_are_killed(
    app: Flask, campaign: Campaign, moment: Moment, environ: dict[str, str]
) -> None:
    backed_by(campaign, addresses(MANY), at=moment.now())
    before = count(Event), count(OutboxMessage)

    extend(campaign, at=moment.now())

    assert (count(Event), count(OutboxMessage)) == (before[0] + 1, before[1])
    for kill in range(1, KILLS + 1):
        worker = Doomed(_write, environ)
        worker.wait_until_begun()
        _wait_for(kill * MANY // (2 * KILLS))
        worker.kill()
    left = MANY - count(OutboxMessage)
    while write_mailings(app, clock=runtime().clock).done:
        pass

    assert left > 0, "the workers were killed in the middle"
    assert mailed() == addresses(MANY)


def _write(app: Flask, has_begun: Flag) -> None:
    """Do what a worker does about events and mailings, and nothing else."""
    told(app)
    has_begun.set()
    with app.app_context():
        while True:
            consumer = mailings.mailing_consumer(app)
            consumers.consume(consumer, clock=runtime().clock)
            write_mailings(app, clock=runtime().clock)
            db.session.remove()


def _wait_for(mails_count: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while count(OutboxMessage) < mails_count:
        assert time.monotonic() < end, "the worker wrote too little"
        time.sleep(0.005)
