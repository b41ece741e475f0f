"""Coming in without a page: the forms, rules, mails and generic answers that the pages use.

Flask-Security's own functions do the work. What they would say at the top of the next page is
dropped: a program has none, and needs no cookie.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

from flask import session
from flask_security import hash_password
from flask_security.changeable import change_user_password
from flask_security.confirmable import (
    confirm_email_token_status,
    confirm_user,
    send_confirmation_instructions,
)
from flask_security.recoverable import (
    reset_password_token_status,
    send_reset_password_instructions,
    update_password,
)
from flask_security.registerable import register_existing, register_user
from marshmallow import ValidationError
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from octo.accounts import forms
from octo.accounts.models import User
from octo.database import reading, transaction
from octo.errors import N_, ConflictError, InvalidError, OctoError

Made = TypeVar("Made")


class SignInRefusedError(OctoError):
    """The e-mail address or the password is wrong; which of them is not said."""

    code = "wrong_credentials"
    status = HTTPStatus.UNAUTHORIZED


class NotConfirmedError(OctoError):
    """The password is right, but the address is not confirmed yet."""

    code = "not_confirmed"
    status = HTTPStatus.FORBIDDEN


class LinkOverError(ConflictError):
    """The mailed token is incomplete, too old, or was used."""

    code = "link_over"


def sign_up(*, email: str, name: str, password: str) -> None:
    """Make an account and mail the link that opens it.

    An address that has one gets a mail that says so; nothing else tells the two apart.
    """

    def act() -> None:
        form = _filled(forms.SignUpForm, email=email, name=name, password=password)
        if form.validate():
            register_user(form)
        elif not register_existing(form):
            raise ValidationError(form.errors)

    with _unsaid():
        _once_more_if_taken(act)


def confirm_address(token: str) -> None:
    """Open the account of a mailed link; doing it again changes nothing."""
    with transaction():
        expired, invalid, user = confirm_email_token_status(token)
        if user is None or expired or invalid:
            raise LinkOverError(N_("This link is incomplete or too old. Ask for a new one."))
        confirm_user(user)


def mail_confirmation(email: str) -> None:
    """Mail the link once more, if this address waits for it."""
    with transaction():
        form = _filled(forms.AskConfirmationForm, email=email)
        if form.validate():
            send_confirmation_instructions(form.user)


def mail_reset(email: str) -> None:
    """Mail a link to choose another password, if this address has an account."""
    with transaction():
        form = _filled(forms.AskResetForm, email=email)
        if form.validate():
            send_reset_password_instructions(form.user)
        else:
            hash_password("not a password")  # as long as it takes for a known address


def reset_password(token: str, password: str) -> None:
    """Set another password by a mailed link; every session and access token ends."""
    with transaction():
        expired, invalid, user = reset_password_token_status(token)
        if user is None or expired or invalid:
            raise LinkOverError(N_("This link is incomplete or too old. Ask for a new one."))
        form = _filled(forms.NewPasswordForm, password=password, password_confirm=password)
        form.user = user
        if not form.validate():
            raise ValidationError(form.errors)
        update_password(user, form.password.data)


def change_password(user: User, *, password: str, new_password: str) -> None:
    """Set another password by today's; every session and access token ends."""
    with transaction():
        form = _filled(
            forms.OtherPasswordForm,
            password=password,
            new_password=new_password,
            new_password_confirm=new_password,
        )
        if not form.validate():
            raise ValidationError(form.errors)
        change_user_password(user, form.new_password.data, autologin=False)


def check_sign_in(*, email: str, password: str) -> User:
    """Return whose address and password these are, or refuse without telling which is wrong."""
    with reading():  # a password kept under older settings is hashed anew, and committed here
        form = _filled(forms.SignInForm, email=email, password=password)
        if form.validate():
            assert isinstance(form.user, User)
            return form.user
    if form.user_authenticated and form.requires_confirmation:
        raise NotConfirmedError(
            N_("Confirm your address first: open the link we mailed to you."), field="email"
        )
    raise SignInRefusedError(N_("The e-mail address or the password is wrong."))


def demand_password(user: User, password: str) -> None:
    """Refuse to go on unless this is the person's password today."""
    with reading():
        is_right = user.verify_and_update_password(password)
    if not is_right:
        raise InvalidError(N_("This is not your password today."), field="password")


def _filled(form: type[Any], **entries: str) -> Any:
    return form(formdata=MultiDict(entries), meta={"csrf": False})


def _once_more_if_taken(act: Callable[[], Made]) -> Made:
    """Run as one unit; of two who sign up with one address at once, the second comes later."""
    try:
        with transaction():
            return act()
    except IntegrityError:
        with transaction():
            return act()


@contextmanager
def _unsaid() -> Iterator[None]:
    """Keep what is said to readers of pages out of a program's session."""
    said, was_modified = session.get("_flashes"), session.modified
    try:
        yield
    finally:
        if said is None:
            session.pop("_flashes", None)
        else:
            session["_flashes"] = said
        session.modified = was_modified
