"""As much of an SMTP server as sending a mail takes, on this machine."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Conversation(socketserver.StreamRequestHandler):
    """One connection; what is answered to a recipient depends on the name, or on the server."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, MailServer)
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(maxsplit=1)[0].upper()
            if verb == "RCPT":
                self._say(server.answer_to(line))
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


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0, *, is_full: bool = False) -> None:
        self.taken: list[str] = []
        self._is_full = is_full
        super().__init__(("127.0.0.1", port), Conversation)

    def answer_to(self, line: str) -> str:
        if "dead@" in line:
            return "550 no such box dead@example.org"
        if "full@" in line or self._is_full:
            return "452 no room"
        return "250 fine"


@contextmanager
def running_mail_server(port: int = 0, *, is_full: bool = False) -> Iterator[MailServer]:
    with MailServer(port, is_full=is_full) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join()
