"""The link by which the reader of a mail says which mails to send: signed, and for life.

It names the mail, not the address: nothing of the person stands in it, and it ends with them.
A mail's id alone opens nothing, since mail servers write it down as its ``Message-ID``.
"""

from typing import Final

from itsdangerous import BadSignature, URLSafeSerializer

from octo.errors import N_, NotFoundError
from octo.mail.kinds import is_optional
from octo.mail.outbox import OutboxMessage
from octo.mail.rendering import RenderedMail, Site, render_mail

PURPOSE: Final = "octo.mail.preferences"


def sign_message(message_id: str, *, secret_key: str) -> str:
    """Return the token of the link in a mail."""
    return str(URLSafeSerializer(secret_key, salt=PURPOSE).dumps(message_id))


def read_token(token: str, *, secret_key: str) -> str:
    """Return the id of the mail that a link stood in, or raise ``NotFoundError``."""
    try:
        return str(URLSafeSerializer(secret_key, salt=PURPOSE).loads(token))
    except BadSignature as error:
        raise NotFoundError(N_("This link is not valid any more.")) from error


def unsubscribe_url(message: OutboxMessage, site: Site) -> str:
    """Return where the reader of a mail ends its kind; nothing for one that must arrive."""
    if not is_optional(message.template):
        return ""
    return site.page("mail_preferences.unsubscribe", token=site.sign(message.public_id))


def render_message(message: OutboxMessage, site: Site) -> RenderedMail:
    """Render a mail as its reader gets it."""
    return render_mail(
        message.template,
        message.context,
        locale=message.locale,
        site=site,
        unsubscribe_url=unsubscribe_url(message, site),
    )
