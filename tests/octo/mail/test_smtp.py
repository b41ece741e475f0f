"""What a real conversation with a mail server means for the mail it was about."""

from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from octo.mail.transport import MailAwayError, MailRefusedError, SmtpTransport, TryLaterError
from tests.octo.mail.mail_server import MailServer, running_mail_server


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running_mail_server() as running:
        yield running


@pytest.fixture
def transport(server: MailServer) -> Iterator[SmtpTransport]:
    opened = SmtpTransport(f"smtp://127.0.0.1:{server.server_address[1]}")
    yield opened
    opened.close()


def mail(to: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Octo <octo@example.org>", to, "Été"
    made.set_content("Merci")
    return made


def test_mails_share_a_conversation(transport: SmtpTransport, server: MailServer) -> None:
    for _ in range(3):
        transport.send(mail("lea@example.org"))

    assert len(server.taken) == 3
    assert "Merci" in server.taken[0]


def test_a_dead_address_is_final_and_the_next_mail_goes(
    transport: SmtpTransport, server: MailServer
) -> None:
    with pytest.raises(MailRefusedError) as refusal:
        transport.send(mail("dead@example.org"))
    transport.send(mail("lea@example.org"))

    assert len(server.taken) == 1
    assert "dead@" not in str(refusal.value)


def test_a_full_box_is_for_later(transport: SmtpTransport) -> None:
    with pytest.raises(TryLaterError):
        transport.send(mail("full@example.org"))


def test_a_server_that_is_away_is_nobodys_fault() -> None:
    with pytest.raises(MailAwayError):
        SmtpTransport("smtp://127.0.0.1:9").send(mail("lea@example.org"))


def test_a_password_is_never_said_in_the_clear(server: MailServer) -> None:
    address = f"smtp://me:secret@127.0.0.1:{server.server_address[1]}"

    with pytest.raises(MailAwayError):
        SmtpTransport(address).send(mail("lea@example.org"))

    assert server.taken == []
