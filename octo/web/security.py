"""What every answer carries to protect the reader, and the token every form must bring."""

import secrets
from typing import Any, Final

import structlog
from flask import Flask, current_app, g, request, session
from flask_login import current_user, user_logged_in
from flask_wtf.csrf import CSRFProtect, generate_csrf
from markupsafe import Markup
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from octo.web.signing import Sessions

MAX_REQUEST_BYTES: Final = 12 * 1024 * 1024
MAX_FORM_FIELD_BYTES: Final = 500_000
MAX_FORM_PARTS: Final = 500
_EXEMPT: Final = "octo_without_csrf"
_FORM_FIELD: Final = "csrf_token"
_ONE_YEAR: Final = 365 * 24 * 3600

POLICY: Final = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "form-action 'self' {form_targets}"
)
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

csrf: Final = CSRFProtect()


def without_csrf(view: Any) -> Any:
    """Exempt a view whose caller proves itself otherwise, such as a signed webhook."""
    setattr(view, _EXEMPT, True)
    return view


def check_csrf() -> None:
    """Demand the form's token of every request that changes something.

    A request to the API that carries no session cookie acts for nobody, or proves itself by
    a header that another site cannot send: there is nothing to forge.
    """
    if request.method in {"GET", "HEAD", "OPTIONS", "TRACE"} or request.endpoint is None:
        return
    if getattr(current_app.view_functions[request.endpoint], _EXEMPT, False):
        return
    cookies = {current_app.config["SESSION_COOKIE_NAME"], "remember_token"}
    if request.path.startswith("/api/") and not cookies & set(request.cookies):
        return
    csrf.protect()


def csrf_field() -> Markup:
    """Return the hidden field that carries the token."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(_FORM_FIELD, generate_csrf())


def refuse_unstorable() -> None:
    """Refuse an address that holds a NUL: PostgreSQL stores none, so nothing has such a name."""
    if "\x00" in request.path:
        raise NotFound
    if any("\x00" in value for values in request.args.listvalues() for value in values):
        raise BadRequest


def name_request() -> None:
    """Give this request a name, the same in its log lines and on its error page."""
    g.request_name = secrets.token_hex(6)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=g.request_name)


def protect(response: Response) -> Response:
    """Add the headers that every answer carries, unless the view set its own."""
    response.headers.setdefault("Content-Security-Policy", _policy())
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_ONE_YEAR}")
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = (
            "no-store" if _is_about_somebody() else "private, no-cache"
        )
        response.vary.update(("Cookie", "Accept-Language"))
    return response


def _is_about_somebody() -> bool:
    """Tell whether this answer is for one person: who is signed in, or holds a mailed link.

    What others see may be kept: a browser that stores nothing cannot go back from Stripe's page to
    the sums, and forgets what was typed.
    """
    return current_user.is_authenticated or "token" in (request.view_args or {})


def renew_token(_app: Flask, **_signal: Any) -> None:
    """Make who signs in another form token: whoever knew the one before knows nothing."""
    session.pop(_FORM_FIELD, None)
    g.pop(_FORM_FIELD, None)


def allow_form_targets(app: Flask, *addresses: str) -> None:
    """Let forms of this site lead to pages of these other sites."""
    _form_targets(app).extend(addresses)


def _form_targets(app: Flask) -> list[str]:
    known: list[str] = app.extensions.setdefault("octo.form_targets", [])
    return known


def _policy() -> str:
    """Let forms lead where packages send them: a browser checks the redirect of a form as well."""
    return POLICY.format(form_targets=" ".join(_form_targets(current_app)))


def register(app: Flask) -> None:
    """Set limits, headers, sessions and the token.

    ``forms`` demands the token, once permissions are checked.
    """
    app.config.setdefault("MAX_CONTENT_LENGTH", MAX_REQUEST_BYTES)
    app.config.setdefault("MAX_FORM_MEMORY_SIZE", MAX_FORM_FIELD_BYTES)
    app.config.setdefault("MAX_FORM_PARTS", MAX_FORM_PARTS)
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )
    csrf.init_app(app)
    user_logged_in.connect(renew_token, app)
    app.session_interface = Sessions()
    app.before_request(name_request)
    app.before_request(refuse_unstorable)
    app.after_request(protect)
    app.jinja_env.globals["csrf_field"] = csrf_field
