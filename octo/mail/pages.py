"""The demo's mailbox: every mail the site would have sent, for whoever tries it."""

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    make_response,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue

from octo.database import reading
from octo.mail.delivery import CANNOT_BE_WRITTEN
from octo.mail.links import render_message
from octo.mail.outbox import OutboxMessage
from octo.mail.rendering import RenderedMail
from octo.mail.site import site_of
from octo.paging import LAST_PAGE
from octo.runtime import runtime
from octo.web.permissions import public

PAGE_SIZE: Final = 50
MAIL_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox "
    "allow-top-navigation-by-user-activation"
)

blueprint = Blueprint("mailbox", __name__, url_prefix="/dev/mail")


@dataclass(frozen=True)
class MailboxPage:
    """Some of the mails, newest first."""

    messages: list[OutboxMessage]
    page: int
    has_more: bool


@blueprint.after_request
def keep_nothing(response: Response) -> Response:
    """Have no browser store what was written to somebody."""
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("")
@public
def index() -> ResponseReturnValue:
    """List the mails, newest first; ``to`` keeps those to one address."""
    page = min(max(1, request.args.get("page", 1, type=int)), LAST_PAGE)
    to = request.args.get("to", "").strip().lower()
    statement = sa.select(OutboxMessage).order_by(OutboxMessage.id.desc())
    if to:
        statement = statement.where(OutboxMessage.email.contains(to, autoescape=True))
    with reading() as session:
        shown = statement.offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)
        found = list(session.scalars(shown))
    box = MailboxPage(found[:PAGE_SIZE], page, has_more=len(found) > PAGE_SIZE)
    return render_template("mail/mailbox.html", box=box, to=to, subject_of=subject_of)


@blueprint.get("/<message_id>")
@public
def show(message_id: str) -> ResponseReturnValue:
    """Show one mail: its HTML in a frame that can do nothing but open links, and its text."""
    message = _get_message(message_id)
    mail = _render(message)
    return render_template("mail/message.html", message=message, mail=mail)


@blueprint.get("/<message_id>/html")
@public
def html(message_id: str) -> ResponseReturnValue:
    """Answer the HTML part alone, under a policy that lets it style itself and nothing more."""
    mail = _render(_get_message(message_id))
    whole_page = mail.html.replace(' target="_blank"', "")
    response = make_response(whole_page.replace("<head>", '<head><base target="_top">', 1))
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def subject_of(message: OutboxMessage) -> str:
    """Return the subject of a mail, sent already or not."""
    if message.subject:
        return message.subject
    try:
        return _render(message).subject
    except CANNOT_BE_WRITTEN:
        return message.template


def _get_message(message_id: str) -> OutboxMessage:
    with reading() as session:
        message = session.scalars(
            sa.select(OutboxMessage).filter_by(public_id=message_id)
        ).one_or_none()
    if message is None:
        abort(404)
    return message


def _render(message: OutboxMessage) -> RenderedMail:
    site = site_of(current_app, runtime().settings)
    return render_message(message, site)
