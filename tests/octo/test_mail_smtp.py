"""What a real conversation with a mail server means for the mail it was about."""

import socketserver
import threading
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from octo.mail.transport import MailAwayError, MailRefusedError, SmtpTransport, TryLaterError


class Conversation(socketserver.StreamRequestHandler):
    """As much of SMTP as sending a mail takes, with answers chosen by the recipient's name."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(maxsplit=1)[0].upper()
            if verb == "RCPT":
                self._say(_answer_to(line))
            elif verb == "DATA":
                self._say("354 go on")
                server.taken.append(self._body())
                self._say("250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def _body(self) -> str:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.decode())
        return "".join(lines)


def _answer_to(line: str) -> str:
    if "dead@" in line:
        return "550 no such box dead@example.org"
    if "full@" in line:
        return "452 box full"
    return "250 fine"


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.taken: list[str] = []
        super().__init__(("127.0.0.1", 0), Conversation)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def transport(server: Server) -> Iterator[SmtpTransport]:
    opened = SmtpTransport(f"smtp://127.0.0.1:{server.server_address[1]}")
    yield opened
    opened.close()


def mail(to: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Octo <octo@example.org>", to, "Été"
    made.set_content("Merci")
    return made


def test_mails_share_a_conversation(transport: SmtpTransport, server: Server) -> None:
    for _ in range(3):
        transport.send(mail("lea@example.org"))

    assert len(server.taken) == 3
    assert "Merci" in server.taken[0]


def test_a_dead_address_is_final_and_the_next_mail_goes(
    transport: SmtpTransport, server: Server
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


def test_a_password_is_never_said_in_the_clear(server: Server) -> None:
    address = f"smtp://me:secret@127.0.0.1:{server.server_address[1]}"

    with pytest.raises(MailAwayError):
        SmtpTransport(address).send(mail("lea@example.org"))

    assert server.taken == []
