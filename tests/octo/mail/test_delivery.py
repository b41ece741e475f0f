"""Each mail goes out once; a dead address, a dead server or a dead worker loses none."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
from flask import Flask

from octo.database import db, transaction
from octo.mail import delivery
from octo.mail.delivery import LEASE, deliver_due
from octo.mail.outbox import MessageStatus, OutboxMessage, enqueue
from octo.mail.site import site_of
from octo.mail.transport import MailAwayError, MailRefusedError, TryLaterError
from octo.runtime import runtime
from octo.scheduler import JobReport
from tests.octo.times import LaterClock

SENDER = "Octo <bonjour@octo.example>"

pytestmark = pytest.mark.both_engines


class Post:
    """A mail server that keeps what it takes and refuses what it is told to."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.refuse: dict[str, Exception] = {}
        self.on_send: Callable[[], None] = lambda: None

    def send(self, mail: EmailMessage) -> None:
        if error := self.refuse.get(str(mail["To"])):
            raise error
        self.taken.append(mail)
        self.on_send()

    def close(self) -> None:
        pass

    @property
    def addresses(self) -> list[str]:
        return [str(mail["To"]) for mail in self.taken]


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def clock(app: Flask) -> LaterClock:
    return LaterClock(runtime().clock)


@pytest.fixture
def deliver(app: Flask, post: Post, clock: LaterClock) -> Callable[[], JobReport]:
    def run() -> JobReport:
        site = site_of(app, runtime().settings)
        return deliver_due(clock=clock, transport=post, site=site, sender=SENDER)

    return run


def write(to: str, *, template: str = "verify_email", **context: object) -> str:
    with transaction() as session:
        message = enqueue(
            session,
            to=to,
            locale="fr",
            template=template,
            context={"name": "Léa", "url": "http://localhost/confirm/x", **context},
            at=runtime().clock.now(),
        )
    return message.public_id


def write_and_fail() -> None:
    with transaction() as session:
        at = runtime().clock.now()
        enqueue(session, to="a@b.org", locale="fr", template="verify_email", context={}, at=at)
        raise RuntimeError


def message(public_id: str) -> OutboxMessage:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(sa.select(OutboxMessage).filter_by(public_id=public_id)).one()


def test_a_mail_is_sent_once_with_both_parts(
    app: Flask, deliver: Callable[[], JobReport], post: Post
) -> None:
    public_id = write("lea@example.org")

    assert [deliver().done for _ in range(3)] == [1, 0, 0]

    mail = post.taken[0]
    assert mail["To"] == "lea@example.org"
    assert mail["From"] == SENDER
    assert public_id in mail["Message-ID"]
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_a_mail_rolled_back_with_its_cause_never_existed(
    deliver: Callable[[], JobReport], post: Post
) -> None:
    with pytest.raises(RuntimeError):
        write_and_fail()

    assert deliver().done == 0


def test_what_opens_an_account_is_forgotten_once_sent(deliver: Callable[[], JobReport]) -> None:
    public_id = write("lea@example.org")

    deliver()

    sent = message(public_id)
    assert (sent.status, sent.context) == (MessageStatus.SENT, {})


def test_a_dead_address_is_given_up_and_holds_up_nobody(
    deliver: Callable[[], JobReport], post: Post
) -> None:
    post.refuse["dead@example.org"] = MailRefusedError("SMTPRecipientsRefused 550")
    dead, alive = write("dead@example.org"), write("alive@example.org")

    deliver()

    assert post.addresses == ["alive@example.org"]
    assert message(dead).status is MessageStatus.REFUSED
    assert message(dead).last_error == "SMTPRecipientsRefused 550"
    assert message(alive).status is MessageStatus.SENT


def test_a_mail_that_cannot_be_written_holds_up_nobody(
    deliver: Callable[[], JobReport], post: Post
) -> None:
    broken = write("a@example.org", template="no_such_mail")
    incomplete = write("b@example.org", template="pledge_confirmed")
    write("c@example.org")

    deliver()

    assert post.addresses == ["c@example.org"]
    assert message(broken).status is MessageStatus.PENDING
    assert message(incomplete).last_error == "UndefinedError"


def test_a_mail_put_off_goes_later_and_the_waits_grow(
    deliver: Callable[[], JobReport], post: Post, clock: LaterClock
) -> None:
    post.refuse["full@example.org"] = TryLaterError("SMTPDataError 452")
    public_id = write("full@example.org")
    waits = []
    for _ in range(9):
        deliver()
        next_try_at = message(public_id).next_try_at
        assert next_try_at is not None
        waits.append(next_try_at - clock.machine_now())
        clock.later += waits[-1]

    assert waits[0] < timedelta(minutes=1)
    assert timedelta(minutes=59) < waits[-1] <= timedelta(hours=1)
    post.refuse.clear()
    clock.later += timedelta(hours=1)
    assert deliver().done == 1


def test_a_mail_put_off_too_often_is_given_up(
    deliver: Callable[[], JobReport], post: Post, clock: LaterClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "GIVE_UP_AFTER_TRIES", 3)
    post.refuse["full@example.org"] = TryLaterError("SMTPDataError 452")
    public_id = write("full@example.org")

    for _ in range(3):
        deliver()
        clock.later += timedelta(hours=1)

    assert message(public_id).status is MessageStatus.REFUSED


def test_while_the_server_is_away_every_mail_waits_and_no_try_counts(
    deliver: Callable[[], JobReport], post: Post, clock: LaterClock
) -> None:
    post.refuse["a@example.org"] = MailAwayError("ConnectionRefusedError")
    first, second = write("a@example.org"), write("b@example.org")

    report = deliver()

    assert report.done == 0
    (waiting,) = report.waiting
    assert waiting.startswith("mails: 2 wait until 20")
    assert waiting.endswith("UTC: the mail server does not answer (ConnectionRefusedError)")
    assert {message(first).tries_count, message(second).tries_count} == {0}
    post.refuse.clear()
    clock.later += timedelta(minutes=1)
    assert deliver().done == 2


def test_mails_held_by_another_worker_are_left_to_it(
    deliver: Callable[[], JobReport], post: Post
) -> None:
    write("a@example.org")
    post.on_send = lambda: _expect_nothing(deliver, post)

    deliver()

    assert post.addresses == ["a@example.org"]


def _expect_nothing(deliver: Callable[[], JobReport], post: Post) -> None:
    post.on_send = lambda: None
    assert deliver().done == 0


def test_a_worker_that_died_is_relieved_and_its_mail_keeps_its_name(
    deliver: Callable[[], JobReport], post: Post, clock: LaterClock
) -> None:
    public_id = write("a@example.org")

    def die() -> None:
        raise KeyboardInterrupt

    post.on_send = die
    with pytest.raises(KeyboardInterrupt):
        deliver()
    post.on_send = lambda: None

    assert deliver().done == 0
    clock.later += LEASE
    assert deliver().done == 1

    assert len({mail["Message-ID"] for mail in post.taken}) == 1
    assert message(public_id).status is MessageStatus.SENT


def test_a_worker_thawed_after_being_relieved_marks_nothing(
    deliver: Callable[[], JobReport], post: Post, clock: LaterClock
) -> None:
    public_id = write("a@example.org")

    def freeze_until_relieved() -> None:
        post.on_send = lambda: None
        clock.later += LEASE
        post.refuse["a@example.org"] = MailRefusedError("550")
        deliver()

    post.on_send = freeze_until_relieved
    deliver()

    assert message(public_id).status is MessageStatus.REFUSED
    assert message(public_id).tries_count == 1
