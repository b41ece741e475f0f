"""Mails as their readers see them: in the demo's mailbox, after the worker has run."""

import re
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask

from octo.database import db
from octo.mail.links import render_message
from octo.mail.outbox import OutboxMessage
from octo.mail.rendering import RenderedMail
from octo.mail.site import site_of
from octo.runtime import runtime


class Mailbox:
    """The mails of one site, whoever they are for."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def to(self, email: str) -> list[OutboxMessage]:
        """Return the mails to one address, oldest first."""
        db.session.rollback()
        mails = sa.select(OutboxMessage).filter_by(email=email).order_by(OutboxMessage.id)
        return list(db.session.scalars(mails))

    def read(self, message: OutboxMessage) -> RenderedMail:
        """Render a mail as it is read."""
        site = site_of(self._app, runtime().settings)
        return render_message(message, site)

    def text_of(self, message: OutboxMessage) -> str:
        return self.read(message).text

    def link_to(self, email: str, path: str) -> str:
        """Return the path of the newest link that begins with ``path`` mailed to an address."""
        for message in reversed(self.to(email)):
            for url in re.findall(r"https?://\S+", self.text_of(message)):
                if urlsplit(url).path.startswith(path):
                    return str(urlsplit(url).path)
        raise AssertionError(f"no mail to {email} has a link to {path}")
