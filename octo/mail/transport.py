"""The way out for a mail: a conversation with a mail server."""

import smtplib
import ssl
from email.message import EmailMessage
from http import HTTPStatus
from typing import Final, NoReturn, Protocol
from urllib.parse import unquote, urlsplit

SMTP_TIMEOUT_SECONDS: Final = 20
_SECURE_PORT: Final = 465
_SUBMISSION_PORT: Final = 587
_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class MailAwayError(Exception):
    """The mail server cannot be reached: every mail waits."""


class MailRefusedError(Exception):
    """This mail will never be taken: a dead address, most often."""


class TryLaterError(Exception):
    """This mail was not taken this time."""


class Transport(Protocol):
    """A way out for mails."""

    def send(self, mail: EmailMessage) -> None:
        """Hand one mail over, or raise one of the three errors above."""

    def close(self) -> None:
        """End the conversation."""


class SmtpTransport:
    """One conversation with a mail server, opened when first needed."""

    def __init__(self, mail_url: str) -> None:
        self._url = urlsplit(mail_url)
        self._server: smtplib.SMTP | None = None

    def send(self, mail: EmailMessage) -> None:
        server = self._opened()
        try:
            server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code = next((code for code, _ in error.recipients.values()), 0)
            self._give_up(_refusal(code, error), error)
        except smtplib.SMTPDataError as error:
            self._give_up(_refusal(error.smtp_code, error), error)
        except smtplib.SMTPNotSupportedError as error:
            self._give_up(MailRefusedError(_reason(error)), error)
        except (smtplib.SMTPException, OSError) as error:
            self._give_up(MailAwayError(_reason(error)), error)

    def _give_up(self, refusal: Exception, cause: Exception) -> NoReturn:
        """End a conversation whose state is no longer known; the next mail opens another."""
        self.close()
        raise refusal from cause

    def _opened(self) -> smtplib.SMTP:
        """Return the open conversation; whatever goes wrong before a mail is no mail's fault."""
        if self._server is None:
            try:
                self._server = self._open()
            except (smtplib.SMTPException, OSError) as error:
                self._give_up(MailAwayError(_reason(error)), error)
        return self._server

    def close(self) -> None:
        """End the conversation; what was taken stays taken."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _open(self) -> smtplib.SMTP:
        host = self._url.hostname or "localhost"
        server: smtplib.SMTP
        if self._url.scheme == "smtps":
            port = self._url.port or _SECURE_PORT
            server = smtplib.SMTP_SSL(
                host, port, timeout=SMTP_TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        else:
            port = self._url.port or _SUBMISSION_PORT
            server = smtplib.SMTP(host, port, timeout=SMTP_TIMEOUT_SECONDS)
            if host not in _THIS_MACHINE:
                server.starttls(context=ssl.create_default_context())
        if self._url.username:
            server.login(unquote(self._url.username), unquote(self._url.password or ""))
        return server


def _refusal(code: int, error: Exception) -> MailRefusedError | TryLaterError:
    is_final = code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return MailRefusedError(_reason(error)) if is_final else TryLaterError(_reason(error))


def _reason(error: Exception) -> str:
    """Say what went wrong without the address, which a server repeats in its answer."""
    code = getattr(error, "smtp_code", "")
    return f"{type(error).__name__} {code}".strip()
