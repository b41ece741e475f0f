"""Flask-Security as Octo uses it: what is on, its words, its pages and who may see them.

Passwords are argon2id. Every page answers the same for an address that is known and for one
that is not. What writes runs in ``transaction()``, its mails in the same commit.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Request, g, render_template, request, session
from flask_login import current_user, user_logged_in, user_logged_out
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security.signals import password_changed, password_reset
from flask_security.utils import set_request_attr
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import BadRequest

from octo.accounts import forms, known_devices, limits, mails
from octo.accounts.access_tokens import end_token, find_bearer, give_token
from octo.accounts.models import Purpose, Role, User
from octo.config import ROOT, SignInSettings
from octo.database import db, transaction
from octo.errors import N_
from octo.ids import new_public_id
from octo.runtime import Runtime, runtime
from octo.web.kept_forms import carried_form, serve_sign_in_by
from octo.web.language import current_language
from octo.web.limits import changes
from octo.web.permissions import PUBLIC, SIGNED_IN, bearer_secret, mark_endpoint
from octo.web.security_log import note_security
from octo.web.signing import ForbearingSigner

SHORTEST_PASSWORD: Final = 10
ARGON2_ROUNDS: Final = 2
REMEMBERED_FOR: Final = timedelta(days=30)

MESSAGES: Final = {
    "GENERIC_AUTHN_FAILED": (N_("The e-mail address or the password is wrong."), "error"),
    "PASSWORD_RESET_REQUEST": (
        N_("If this address has an account, a link to choose a new password is on its way."),
        "info",
    ),
    "PASSWORD_RESET_EXPIRED": (N_("This link is too old. Ask for a new one."), "error"),
    "INVALID_RESET_PASSWORD_TOKEN": (
        N_("This link was used already or is incomplete. Ask for a new one."),
        "error",
    ),
    "PASSWORD_RESET_NO_LOGIN": (N_("Your new password is set. Sign in with it."), "success"),
    "PASSWORD_CHANGE": (N_("Your password is changed."), "success"),
    "CONFIRM_REGISTRATION": (
        N_("Thank you. Open the link we have just mailed to %(email)s to finish."),
        "success",
    ),
    "CONFIRMATION_REQUEST": (
        N_("If this address waits to be confirmed, a new link is on its way."),
        "info",
    ),
    "CONFIRMATION_REQUIRED": (
        N_("Confirm your address first: open the link we mailed to you."),
        "error",
    ),
    "CONFIRMATION_EXPIRED": (N_("This link is too old. Ask for a new one."), "error"),
    "INVALID_CONFIRMATION_TOKEN": (N_("This link is incomplete. Ask for a new one."), "error"),
    "EMAIL_CONFIRMED": (N_("Your address is confirmed. Sign in."), "success"),
    "ALREADY_CONFIRMED": (N_("Your address is confirmed already. Sign in."), "info"),
    "DISABLED_ACCOUNT": (N_("This account is closed."), "error"),
    "EMAIL_NOT_PROVIDED": (N_("Enter your e-mail address."), "error"),
    "EMAIL_ALREADY_ASSOCIATED": (N_("Choose another address."), "error"),
    "INVALID_EMAIL_ADDRESS": (N_("Enter an e-mail address such as name@example.org."), "error"),
    "PASSWORD_NOT_PROVIDED": (N_("Enter a password."), "error"),
    "PASSWORD_INVALID_LENGTH": (N_("A password has at least %(length)s characters."), "error"),
    "RETYPE_PASSWORD_MISMATCH": (N_("The two passwords differ."), "error"),
    "INVALID_PASSWORD": (N_("This is not your password today."), "error"),
    "PASSWORD_IS_THE_SAME": (N_("This is the password you have already."), "error"),
    "UNAUTHENTICATED": (N_("Sign in to see this page."), "info"),
    "LOGIN": (N_("Sign in to see this page."), "info"),
    "ANONYMOUS_USER_REQUIRED": (N_("You are signed in already."), "info"),
}
PUBLIC_ENDPOINTS: Final = (
    "login",
    "logout",
    "register",
    "send_confirmation",
    "confirm_email",
    "forgot_password",
    "reset_password",
)
SIGNED_IN_ENDPOINTS: Final = ("change_password", "verify")
WRITING_ENDPOINTS: Final = (
    "register",
    "send_confirmation",
    "confirm_email",
    "forgot_password",
    "reset_password",
    "change_password",
)
POST_LIMITS: Final = {
    "login": (limits.sign_in_tries, limits.account_tries),
    "register": (limits.sign_ups,),
    "send_confirmation": (limits.mails, limits.mailbox_mails),
    "forgot_password": (limits.mails, limits.mailbox_mails),
    "reset_password": (changes,),
    "change_password": (changes,),
    "verify": (changes,),
}

View = Callable[..., Any]


class People(SQLAlchemyUserDatastore):
    """How Flask-Security finds and makes users."""

    def create_user(self, **values: Any) -> User:
        user = super().create_user(
            public_id=new_public_id("usr"),
            created_at=runtime().clock.now(),
            locale=current_language(),
            **values,
        )
        assert isinstance(user, User)
        return user


def register(app: Flask) -> None:
    """Set Flask-Security up, and mark, limit and guard each of its pages."""
    found: Runtime = app.extensions["octo.runtime"]
    app.config.update(
        _settings(found.settings.sign_in, is_https=app.config["SESSION_COOKIE_SECURE"])
    )
    security = Security(
        app,
        People(db, User, Role),
        login_form=forms.SignInForm,
        register_form=forms.SignUpForm,
        forgot_password_form=forms.AskResetForm,
        send_confirmation_form=forms.AskConfirmationForm,
        reset_password_form=forms.NewPasswordForm,
        change_password_form=forms.OtherPasswordForm,
        verify_form=forms.SamePasswordForm,
        mail_util_cls=mails.OutboxMail,
    )
    security.want_json(lambda _: False)
    for mailed in (security.confirm_serializer, security.reset_serializer):
        mailed.signer = ForbearingSigner
    app.login_manager.user_loader(_find_signed_in)  # type: ignore[attr-defined]  # as below
    user_logged_in.connect(_give_browser_token, app)
    user_logged_out.connect(_end_browser_token, app)
    password_changed.connect(_note_password, app)
    password_reset.connect(_note_password, app)
    app.login_manager.request_loader(_find_bearer)  # type: ignore[attr-defined]  # flask-login puts it there
    known_devices.register(app)
    app.before_request(_refuse_unreadable_next)
    for name in WRITING_ENDPOINTS:
        _wrap(app, name, _in_one_transaction)
    for name, counted in POST_LIMITS.items():
        for limit in counted:
            _wrap(app, name, limit)
    _wrap(app, "login", _giving_the_form_back)
    serve_sign_in_by(app, _sign_in_page)
    for name in PUBLIC_ENDPOINTS:
        mark_endpoint(app, f"security.{name}", PUBLIC)
    for name in SIGNED_IN_ENDPOINTS:
        mark_endpoint(app, f"security.{name}", SIGNED_IN)


def _sign_in_page() -> str:
    """Show the page to sign in on to whoever sent a form signed out."""
    return render_template(
        "security/login_user.html", login_user_form=forms.SignInForm(formdata=None)
    )


def _giving_the_form_back(view: View) -> View:
    """Lead whoever signs in back to the form that was sent signed out, if there was one."""

    @wraps(view)
    def guarded(**arguments: Any) -> Any:
        answer = view(**arguments)
        kept = carried_form() if request.method == "POST" else None
        if kept is None or not current_user.is_authenticated:
            return answer
        return render_template("security/form_kept.html", kept=kept)

    return guarded


def _refuse_unreadable_next() -> None:
    """Refuse to sign in for a page whose address is none: the library would stumble over it."""
    if request.blueprint != "security":
        return
    for wanted in (*request.args.getlist("next"), *request.form.getlist("next")):
        try:
            urlsplit(wanted.replace("\\", "/"))
        except ValueError as error:
            raise BadRequest from error


def _settings(sign_in: SignInSettings, *, is_https: bool) -> dict[str, object]:
    words = {f"SECURITY_MSG_{name}": message for name, message in MESSAGES.items()}
    return words | {
        "REMEMBER_COOKIE_DURATION": REMEMBERED_FOR,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_AUTO_LOGIN_AFTER_CONFIRM": False,
        "SECURITY_AUTO_LOGIN_AFTER_RESET": False,
        "SECURITY_CACHE_CONTROL": None,
        "SECURITY_CHANGEABLE": True,
        "SECURITY_CHANGE_URL": "/account/password",
        "SECURITY_CONFIRMABLE": True,
        "SECURITY_CSRF_COOKIE": {"httponly": True, "secure": is_https, "samesite": "Strict"},
        "SECURITY_DATETIME_FACTORY": _now,
        "SECURITY_EMAIL_HTML": False,
        "SECURITY_EMAIL_PLAINTEXT": False,
        "SECURITY_EMAIL_TEMPLATE_CONFIRM": mails.VERIFY,
        "SECURITY_EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE": mails.CHANGED,
        "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET": mails.RESET,
        "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET_NOTICE": mails.CHANGED,
        "SECURITY_HASHING_SCHEMES": ["hex_sha256"],
        "SECURITY_I18N_DIRNAME": [str(ROOT / "octo" / "translations")],
        "SECURITY_I18N_DOMAIN": "messages",
        "SECURITY_PASSWORD_CONFIRM_REQUIRED": False,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__type": "ID",
            "argon2__memory_cost": sign_in.password_memory_kib,
            "argon2__rounds": ARGON2_ROUNDS,
            "argon2__parallelism": 1,
        },
        "SECURITY_PASSWORD_LENGTH_MIN": SHORTEST_PASSWORD,
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
        "SECURITY_POST_CHANGE_VIEW": "/account",
        "SECURITY_POST_CONFIRM_VIEW": "/login",
        "SECURITY_POST_REGISTER_VIEW": "/login",
        "SECURITY_RECOVERABLE": True,
        "SECURITY_REGISTERABLE": True,
        "SECURITY_REGISTER_EMAIL_EXISTING_TEMPLATE": mails.ALREADY_REGISTERED,
        "SECURITY_REGISTER_EMAIL_TEMPLATE": mails.VERIFY,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_STATIC_FOLDER": None,
    }


def _find_signed_in(secret: str) -> User | None:
    """Return whom the token in a browser's cookie signs in."""
    g.signed_in_by = secret
    user = find_bearer(secret, clock=runtime().clock, purpose=Purpose.BROWSER)
    if user is not None:  # Flask-Security's own pages ask how and when somebody signed in
        set_request_attr("fs_authn_via", "session")
        set_request_attr("fs_paa", session.get("fs_paa", 0))
    return user


def _give_browser_token(_app: Flask, user: User, **_signal: Any) -> None:
    """Have the cookies of a browser carry a token of its own instead of who is signed in."""
    _given, secret = give_token(user.public_id, clock=runtime().clock, purpose=Purpose.BROWSER)
    session["_user_id"] = g.signed_in_by = secret
    note_security("signed_in", user=user.public_id)


def _end_browser_token(_app: Flask, user: Any, **_signal: Any) -> None:
    note_security("signed_out", user=getattr(user, "public_id", None))
    if secret := g.pop("signed_in_by", None):
        end_token(secret)


def _note_password(_app: Flask, user: User, **_signal: Any) -> None:
    note_security("password_changed", user=user.public_id)


def _find_bearer(_request: Request) -> User | None:
    """Sign a program in by its token, where no cookie did."""
    secret = bearer_secret()
    return None if secret is None else find_bearer(secret, clock=runtime().clock)


def _now() -> datetime:
    return runtime().clock.now()


def _wrap(app: Flask, name: str, decorate: Callable[[View], View]) -> None:
    endpoint = f"security.{name}"
    app.view_functions[endpoint] = decorate(app.view_functions[endpoint])


def _in_one_transaction(view: View) -> View:
    """Run what a form changes, and the mails it causes, as one unit.

    Two people may sign up with one address at the same moment: who comes second meets the
    unique address, and is run again as one who comes later.
    """

    @wraps(view)
    def guarded(**arguments: Any) -> Any:
        if request.method in {"GET", "HEAD"} and request.endpoint != "security.confirm_email":
            return view(**arguments)
        said = session.get("_flashes")
        try:
            with transaction():
                return view(**arguments)
        except IntegrityError:
            session["_flashes"] = said or []
            with transaction():
                return view(**arguments)

    return guarded
