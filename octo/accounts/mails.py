"""Flask-Security's mails, written in our outbox like every other."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, url_for
from flask_security import MailUtil, hash_password
from flask_security.mail_util import EmailValidateException

from octo.accounts.models import User
from octo.database import db
from octo.email_address import find_email, normalise_email
from octo.errors import OctoError
from octo.mail.outbox import enqueue
from octo.runtime import runtime
from octo.web.language import translate

VERIFY: Final = "verify_email"
ALREADY_REGISTERED: Final = "already_registered"
RESET: Final = "reset_password"
CHANGED: Final = "password_changed"


class OutboxMail(MailUtil):
    """Write a mail in the transaction of the request instead of sending it."""

    def __init__(self, app: Flask) -> None:
        del app

    def send_mail(  # noqa: PLR0917 - Flask-Security's own signature
        self,
        template: str,
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],
        body: str | None,
        html: str | None,
        **kwargs: Any,
    ) -> None:
        del subject, recipient, sender, body, html
        user: User = kwargs["user"]
        # A name is somebody's word until its address is confirmed: no stranger is mailed it.
        context: dict[str, object] = {"name": user.name if user.confirmed_at else ""}
        if template == ALREADY_REGISTERED and kwargs.get("confirmation_link"):
            template = VERIFY
        if template == VERIFY:
            context["url"] = at_home(kwargs["confirmation_link"])
        elif template == RESET:
            # An unknown address costs a hash: let a known one take as long.
            hash_password("not a password")
            context["url"] = at_home(kwargs["reset_link"])
        else:
            context["sign_in_url"] = at_home(url_for("security.login"))
            context["reset_url"] = at_home(url_for("security.forgot_password"))
        enqueue(
            db.session(),
            to=user.email,
            locale=user.locale,
            template=template,
            context=context,
            at=runtime().clock.now(),
        )

    def normalize(self, email: str) -> str:
        return _read(find_email, email)

    def validate(self, email: str) -> str:
        return _read(normalise_email, email)


def _read(way: Callable[[str], str], email: str) -> str:
    try:
        return way(email)
    except OctoError as error:
        raise EmailValidateException(translate(error.message, error.params)) from error


def at_home(link: str) -> str:
    """Return a link's path on the address of ``OCTO_BASE_URL``, whatever host was asked."""
    parts = urlsplit(link)
    return f"{runtime().settings.base_url}{parts.path}"
