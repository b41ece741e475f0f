"""The forms of signing in and up, with our own words on Flask-Security's fields."""

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_security.forms import (
    ChangePasswordForm,
    ForgotPasswordForm,
    LoginForm,
    RegisterFormV2,
    ResetPasswordForm,
    SendConfirmationForm,
    VerifyForm,
)
from flask_security.utils import validate_redirect_url
from wtforms import StringField
from wtforms.validators import ValidationError

from octo.accounts.models import LONGEST_NAME
from octo.errors import InvalidError
from octo.text import clean_text
from octo.web.language import translate
from octo.web.security_log import note_security


class _Labelled:
    """Give fields that a library made the words of our catalogs.

    A page to go to afterwards that is not of this site is forgotten: the person who was sent
    here with it signs in all the same.
    """

    words: dict[str, Any] = {}  # noqa: RUF012 - a table that subclasses replace, never change

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, words in self.words.items():
            field = getattr(self, name, None)
            if field is not None:
                field.label.text = words
                field.description = ""
        following = getattr(self, "next", None)
        if following is not None and not validate_redirect_url(following.data):
            following.data = ""


class SignInForm(_Labelled, LoginForm):
    words = {  # noqa: RUF012
        "email": _l("E-mail address"),
        "password": _l("Password"),
        "remember": _l("Stay signed in on this device"),
    }

    def validate(self, **options: Any) -> bool:
        """Check who this is, and note whoever is not let in."""
        is_let_in = bool(super().validate(**options))
        if not is_let_in:
            note_security("sign_in_refused", user=getattr(self.user, "public_id", None))
        return is_let_in


class SignUpForm(_Labelled, RegisterFormV2):
    words = {  # noqa: RUF012
        "email": _l("E-mail address"),
        "password": _l("Password"),
    }
    name = StringField(
        _l("Your name"), render_kw={"autocomplete": "name", "maxlength": LONGEST_NAME}
    )

    def validate_name(self, field: StringField) -> None:
        """Take a name people can read; it may be left empty."""
        try:
            field.data = clean_text(field.data or "", field="name", most=LONGEST_NAME)
        except InvalidError as error:
            raise ValidationError(translate(error.message, error.params)) from error


class AskResetForm(_Labelled, ForgotPasswordForm):
    words = {"email": _l("E-mail address")}  # noqa: RUF012


class AskConfirmationForm(_Labelled, SendConfirmationForm):
    words = {"email": _l("E-mail address")}  # noqa: RUF012


class NewPasswordForm(_Labelled, ResetPasswordForm):
    words = {  # noqa: RUF012
        "password": _l("New password"),
        "password_confirm": _l("New password, once more"),
    }


class OtherPasswordForm(_Labelled, ChangePasswordForm):
    words = {  # noqa: RUF012
        "password": _l("Your password today"),
        "new_password": _l("New password"),
        "new_password_confirm": _l("New password, once more"),
    }


class SamePasswordForm(_Labelled, VerifyForm):
    words = {"password": _l("Your password")}  # noqa: RUF012
