"""Which mails to get: a page for the signed in, the same by a mailed link, and one-click ending.

A link is opened by programs that look for harm before its reader does, so opening it changes
nothing; a mail program ends mails by sending a form to the same address, as RFC 8058 says,
without a cookie and without a page before.
"""

from typing import Final

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from octo.errors import N_, NotFoundError
from octo.mail.kinds import MailKind, mail_kinds
from octo.mail.links import read_token
from octo.mail.preferences import choose_kinds, find_refused, get_reader
from octo.mail.preferences import unsubscribe as end_kind
from octo.runtime import runtime
from octo.web.forms import flash_message
from octo.web.limits import each_change
from octo.web.permissions import public, signed_in
from octo.web.security import without_csrf

PRIVATE: Final = {"Referrer-Policy": "no-referrer"}

blueprint = Blueprint("mail_preferences", __name__, url_prefix="/mail")


@blueprint.get("/preferences")
@signed_in
def show_own() -> ResponseReturnValue:
    """Show which mails one gets."""
    return _page(current_user.email, url_for("mail_preferences.choose_own"))


@blueprint.post("/preferences")
@signed_in
@each_change
def choose_own() -> ResponseReturnValue:
    """Choose which mails one gets."""
    _choose(current_user.email)
    return redirect(url_for("mail_preferences.show_own"))


@blueprint.get("/preferences/<token>")
@public
def show(token: str) -> ResponseReturnValue:
    """Show the same to the reader of a mail, with an account or without."""
    email, _kind = _reader(token)
    return _page(email, url_for("mail_preferences.choose", token=token))


@blueprint.post("/preferences/<token>")
@public
@each_change
def choose(token: str) -> ResponseReturnValue:
    """Choose by a mailed link which mails one gets."""
    email, _kind = _reader(token)
    _choose(email)
    return redirect(url_for("mail_preferences.show", token=token))


@blueprint.get("/unsubscribe/<token>")
@public
def unsubscribe(token: str) -> ResponseReturnValue:
    """Ask whether to end mails of a kind; only the button does."""
    return _ending(token, is_ended=False)


@blueprint.post("/unsubscribe/<token>")
@public
@without_csrf
def end(token: str) -> ResponseReturnValue:
    """End mails of a kind, for a person or for the mail program that acts for one."""
    email, kind = _reader(token)
    end_kind(email, kind, clock=runtime().clock)
    return _ending(token, is_ended=True)


def _reader(token: str) -> tuple[str, str]:
    return get_reader(read_token(token, secret_key=runtime().settings.secret_key))


def _ending(token: str, *, is_ended: bool) -> ResponseReturnValue:
    email, kind = _reader(token)
    offered = _kinds().get(kind)
    if offered is None:
        raise NotFoundError(N_("This link is not valid any more."))
    page = render_template(
        "mail/unsubscribe.html", email=email, kind=offered, token=token, is_ended=is_ended
    )
    return page, PRIVATE


def _page(email: str, form_url: str) -> ResponseReturnValue:
    page = render_template(
        "mail/preferences.html",
        email=email,
        form_url=form_url,
        kinds=_kinds().values(),
        refused=find_refused(email),
    )
    return page, PRIVATE


def _choose(email: str) -> None:
    wanted = set(request.form.getlist("kinds"))
    choose_kinds(email, wanted=wanted, offered=_kinds(), clock=runtime().clock)
    flash_message(_("Your choice is saved."))


def _kinds() -> dict[str, MailKind]:
    return mail_kinds(current_app)
