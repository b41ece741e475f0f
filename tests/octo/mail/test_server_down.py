"""F33: the mail server is away, then full: money goes on, and each mail goes later, once."""

from collections import Counter
from email import message_from_string

import pytest
import sqlalchemy as sa

from campaigns.models import Campaign, CampaignStatus
from octo.database import db, transaction
from octo.mail.outbox import MessageStatus, OutboxMessage
from stripe_sandbox.client import SandboxClient
from tests.make import LONG_AGO, Make
from tests.moment import Moment
from tests.octo.mail.mail_server import MailServer, running_mail_server
from tests.sandbox import free_port
from tests.visitor import refresh

pytestmark = pytest.mark.fault("F33")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def environ(environ: dict[str, str], port: int) -> dict[str, str]:
    """Send mails to a server that is not there yet."""
    return {**environ, "MAIL_URL": f"smtp://127.0.0.1:{port}"}


def let_pauses_pass() -> None:
    with transaction() as session:
        session.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.next_try_at.is_not(None))
            .values(next_try_at=LONG_AGO)
        )


def waiting() -> int:
    refresh()
    pending = OutboxMessage.status == MessageStatus.PENDING
    return db.session.scalar(sa.select(sa.func.count()).where(pending)) or 0


def deliver(make: Make) -> None:
    for _ in range(3):
        let_pauses_pass()
        make.work()


@pytest.mark.slow
def test_a_deadline_night_without_mail_settles_and_mails_later_once(
    port: int, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    campaign = make.live_campaign(goal=1_000_00, days=20)
    for _ in range(3):
        make.pledge(campaign, 15_00)
    moment.advance(days=21)

    due = make.work()

    assert any("the mail server does not answer" in reason for reason in due.waiting)
    refresh()
    assert db.session.get_one(Campaign, campaign.id).status is CampaignStatus.SETTLED
    assert sum(one["amount"] for one in sandbox.every("/v1/refunds")) == 45_00
    written = waiting()
    assert written > 6

    with running_mail_server(port, is_full=True) as full:
        deliver(make)
        assert full.taken == []
        assert waiting() == written
    with running_mail_server(port) as server:
        deliver(make)
        deliver(make)

    assert waiting() == 0
    assert each_once(server) == written


def each_once(server: MailServer) -> int:
    sent = Counter(message_from_string(body)["Message-ID"] for body in server.taken)
    assert set(sent.values()) == {1}
    return len(sent)
