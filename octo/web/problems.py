"""Refusals and failures as people and programs read them: a page, or problem+json."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from flask import Flask, g, json, make_response, render_template, request
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from marshmallow import ValidationError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from octo.database import PASSING_TROUBLE, db
from octo.errors import N_, OctoError, UnavailableError
from octo.web.kept_forms import kept_form
from octo.web.language import translate
from octo.web.security_log import note_security

DATABASE_BACK_AFTER_SECONDS: Final = 10
PROBLEM_TYPE: Final = "application/problem+json"
_TITLES: Final = {
    400: N_("This request cannot be read"),
    401: N_("Please sign in first"),
    403: N_("This page is not open to you"),
    404: N_("Nothing at this address"),
    405: N_("This page cannot be used that way"),
    409: N_("Something has changed in the meantime"),
    410: N_("This link no longer works"),
    413: N_("This file is too large"),
    415: N_("This kind of file is not taken here"),
    422: N_("Something must be corrected"),
    429: N_("Too many tries in a short time"),
    500: N_("Something broke on our side"),
    503: N_("Back in a moment"),
}
_DETAILS: Final = {
    400: N_("The form may be too old, or incomplete. Go back, reload the page and try again."),
    401: N_("Sign in, then come back to this page."),
    403: N_("You may be signed in with another account, or lack the role it takes."),
    404: N_("The link may be incomplete, or the page may have been taken away."),
    405: N_("Go back to the page you came from and use its buttons."),
    409: N_("Reload the page to see how things stand now."),
    410: N_("Ask for a new link from the page it led to."),
    413: N_("Send a picture of at most 10 MB."),
    415: N_("Go back to the page you came from and use its form."),
    422: N_("Go back and check what was entered."),
    429: N_("Wait a minute, then try again."),
    500: N_("Nothing was charged twice and nothing is lost. We have been told; try again later."),
    503: N_("A service we depend on does not answer. Nothing is lost; trying again is safe."),
}
_CODES: Final = {
    400: "bad_request",
    401: "sign_in_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
_FORM_TOO_OLD: Final = N_(
    "This form is too old to be sent: go back to its page, and send it again."
)
_SECURITY_EVENTS: Final[Mapping[int | str, str]] = {
    401: "not_let_in",
    403: "forbidden",
    429: "limited",
    "form_too_old": "form_refused",
}
_LOCATIONS: Final = {"json", "multipart", "query", "headers"}
_SCHEMA: Final = "_schema"  # where marshmallow puts what belongs to no field
_WHOLE_BODY: Final = "body"
_OURS: Final = 500  # from here on the fault is ours, below it the reader can act
_log = structlog.get_logger(__name__)


def wants_problem() -> bool:
    """Tell whether the caller is a program: all of the API answers in problem+json."""
    return request.path.startswith("/api/")


def answer(
    status: int,
    *,
    detail: str | None = None,
    code: str | None = None,
    errors: Any = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Answer a refusal in the form its reader understands, in the reader's language."""
    if event := _SECURITY_EVENTS.get(code or "") or _SECURITY_EVENTS.get(status):
        note_security(event)
    known = status if status in _TITLES else (_OURS if status >= _OURS else 400)
    title = str(gettext(_TITLES[known]))
    code = code or _CODES.get(status, "error")
    if wants_problem():
        body = {"type": f"urn:octo:{code}", "title": title, "status": status, "code": code}
        if detail:
            body["detail"] = detail
        if errors:
            body["errors"] = _by_field(errors)
        response = make_response(json.dumps(body), status)
        response.content_type = PROBLEM_TYPE
    else:
        detail = detail or str(gettext(_DETAILS[known]))
        page = render_template(
            "error.html",
            status=status,
            title=title,
            detail=detail,
            request_name=g.get("request_name"),
            kept=kept_form(),
        )
        response = make_response(page, status)
    response.headers.extend(headers or {})
    return response


def on_refusal(error: OctoError) -> Response:
    """Answer a refusal of a service."""
    headers = {}
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    errors: dict[str, list[str]] = {}
    for part in error.parts:
        if part.field:
            place = part.field.replace("-", ".")
            errors.setdefault(place, []).append(translate(part.message, part.params))
    return answer(
        int(error.status),
        detail=translate(error.message, error.params),
        code=error.code,
        errors=errors,
        headers=headers,
    )


def on_invalid(error: ValidationError) -> Response:
    """Answer entries whose shape a schema refuses."""
    return answer(int(HTTPStatus.UNPROCESSABLE_ENTITY), errors=error.messages)


def on_http_error(error: HTTPException) -> Response:
    """Answer what Flask, Werkzeug, Flask-Limiter and flask-smorest refuse."""
    if error.code is None or error.code < 400:  # noqa: PLR2004 - a redirect, not a refusal
        return make_response(error.get_response())
    found = getattr(error, "data", None) or {}
    errors = found.get("errors") or found.get("messages")
    detail = found.get("message")
    code = None
    if isinstance(error, CSRFError):
        detail, code = str(gettext(_FORM_TOO_OLD)), "form_too_old"
    return answer(error.code, detail=detail, code=code, errors=errors, headers=_kept_headers(error))


def on_failure(error: Exception) -> Response:
    """Answer a fault of ours; the log line and the page carry the same name of the request."""
    _log.error("request failed", path=request.path, method=request.method, exc_info=error)
    return _answer_whatever_happens(HTTPStatus.INTERNAL_SERVER_ERROR)


def on_database_away(error: Exception) -> Response:
    """Answer while the database is locked for long, full or away: what was begun is undone."""
    _log.error("database away", path=request.path, method=request.method, exc_info=error)
    headers = {"Retry-After": str(DATABASE_BACK_AFTER_SECONDS)}
    return _answer_whatever_happens(HTTPStatus.SERVICE_UNAVAILABLE, headers)


def _answer_whatever_happens(status: HTTPStatus, headers: dict[str, str] | None = None) -> Response:
    try:
        db.session.rollback()
        return answer(int(status), headers=headers)
    except Exception:  # noqa: BLE001 - the page of last resort needs nothing that can fail
        _log.exception("error page failed")
        plain = make_response(f"{status.value} {status.phrase}\n", int(status))
        plain.content_type = "text/plain; charset=utf-8"
        plain.headers.extend(headers or {})
        return plain


def _by_field(messages: Any, place: str = "") -> dict[str, list[str]]:
    """Give each wrong field its sentences, in the reader's language: ``cost_lines.0.label``.

    Where in a request a field stood (webargs groups by it) is not part of its name.
    """
    if not isinstance(messages, Mapping):
        sentences = messages if isinstance(messages, list) else [messages]
        return {place or _WHOLE_BODY: [str(gettext(str(sentence))) for sentence in sentences]}
    found: dict[str, list[str]] = {}
    for key, value in messages.items():
        is_named = key != _SCHEMA and not (place == "" and key in _LOCATIONS)
        within = f"{place}.{key}".lstrip(".") if is_named else place
        for name, sentences in _by_field(value, within).items():
            found.setdefault(name, []).extend(sentences)
    return found


def _kept_headers(error: HTTPException) -> dict[str, str]:
    kept = {"allow", "retry-after", "www-authenticate"}
    found = dict(error.get_headers())
    data = getattr(error, "data", None) or {}
    found.update(data.get("headers") or {})
    return {name: value for name, value in found.items() if name.lower() in kept}


def register(app: Flask) -> None:
    """Answer every refusal and failure in one place."""
    app.register_error_handler(OctoError, on_refusal)
    app.register_error_handler(ValidationError, on_invalid)
    app.register_error_handler(HTTPException, on_http_error)
    for away in (*PASSING_TROUBLE, PoolTimeoutError):
        app.register_error_handler(away, on_database_away)
    app.register_error_handler(Exception, on_failure)
