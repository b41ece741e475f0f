"""What mails know of the site, outside any request: its name, and the addresses of its pages."""

from email.utils import parseaddr
from urllib.parse import urlsplit

from flask import Flask

from octo.config import Settings
from octo.mail.links import sign_message
from octo.mail.rendering import Site


def site_of(app: Flask, settings: Settings) -> Site:
    """Return the site of an app, with addresses that begin with ``OCTO_BASE_URL``.

    Never with the host a request named: whoever asks for a new password for somebody else
    must not choose where the mailed link leads.
    """
    base = urlsplit(settings.base_url)
    pages = app.url_map.bind(base.netloc, script_name=base.path or "/", url_scheme=base.scheme)

    def page(endpoint: str, /, **values: object) -> str:
        return pages.build(endpoint, values, force_external=True)

    def sign(message_id: str, /) -> str:
        return sign_message(message_id, secret_key=settings.secret_key)

    name = parseaddr(settings.mail_from)[0] or "Octo"
    return Site(name=name, url=settings.base_url, page=page, sign=sign)
