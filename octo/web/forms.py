"""A refused form is shown again, with what was entered and each error beside its field.

A page that takes a form says who shows it again; its service raises, its route has no
``try``::

    @pages.post("/campaigns/<slug>/pledge")
    @public
    @shown_again_by(pledge_form)
    def pledge(slug: str) -> ResponseReturnValue: ...
"""

from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, current_app, flash, g, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup
from marshmallow import ValidationError

from octo.database import db
from octo.errors import N_, InvalidError, OctoError, UnavailableError
from octo.ids import new_token
from octo.web.bodies import refuse_unstorable_form
from octo.web.kept_forms import is_asked_again, shows_again
from octo.web.language import translate
from octo.web.security import check_csrf

PageView = Callable[..., ResponseReturnValue]

LONGEST_KEY: Final = 64
SHORTEST_KEY: Final = 8
_KEY_FIELD: Final = "idempotency_key"


def shown_again_by(form_view: PageView) -> Callable[[PageView], PageView]:
    """Show ``form_view`` again, with this request's entries, when the view refuses them."""

    def decorate(view: PageView) -> PageView:
        @wraps(view)
        def guarded(**arguments: Any) -> ResponseReturnValue:
            if is_asked_again():
                return _again(form_view, arguments, {}, int(HTTPStatus.OK), is_retry=True)
            try:
                return view(**arguments)
            except UnavailableError as error:
                status, errors = int(error.status), _errors_of(error)
                again = _again(form_view, arguments, errors, status, is_retry=True)
                again.headers["Retry-After"] = str(error.retry_after_seconds)
                return again
            except OctoError as error:
                if error.status >= 500:  # noqa: PLR2004 - not the reader's to mend
                    raise
                return _again(form_view, arguments, _errors_of(error), int(error.status))
            except ValidationError as error:
                return _again(form_view, arguments, _flat(error.messages), 422)

        shows_again(guarded)
        return guarded

    return decorate


def entered(name: str, default: Any = "") -> Any:
    """Return what was entered in a field of a refused form, else ``default``."""
    if "form_errors" in g and name in request.form:
        return request.form[name]
    return "" if default is None else default


def entered_list(name: str, default: list[str]) -> list[str]:
    """Return what was entered in a field that may stand several times."""
    return request.form.getlist(name) if "form_errors" in g else default


def is_ticked(name: str, *, default: bool = False) -> bool:
    """Tell whether a box of a refused form was ticked; a box left empty is not sent at all."""
    return name in request.form if "form_errors" in g else default


def error_of(name: str) -> str | None:
    """Return the sentence to show beside a field, if it was refused."""
    errors: dict[str, str] = g.get("form_errors", {})
    return errors.get(name)


def is_retry() -> bool:
    """Tell whether the form is shown again as it was: something did not answer, or a session ended.

    What was begun for it stands: sending it again goes on where it stopped.
    """
    return bool(g.get("is_retry", False))


def idempotency_key() -> str:
    """Return the key of the form that was sent: sent twice, it acts once.

    Raises ``InvalidError`` when it has none: nobody could tell the second from another act.
    """
    key = request.form.get(_KEY_FIELD, "")
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise InvalidError(N_("This form is incomplete. Load the page again, then send it."))
    return key


def idempotency_field() -> Markup:
    """Return the hidden field that makes a form act once; each form shown is another act.

    A form that is kept as it was, since something outside did not answer, is the same act.
    """
    key = request.form.get(_KEY_FIELD, "") if is_retry() else new_token()
    return Markup('<input type="hidden" name="{}" value="{}">').format(_KEY_FIELD, key)


def form_errors() -> dict[str, str]:
    """Return every refusal of this form by field; ``""`` holds what belongs to none."""
    errors: dict[str, str] = g.get("form_errors", {})
    return errors


def refuse_field(name: str, sentence: str) -> str:
    """Add a refusal that a library's form holds to the summary; a template writes nothing here."""
    g.form_errors = {**form_errors(), name: sentence}
    return ""


def label_field(name: str, label: str) -> str:
    """Note for the summary what a field is called; a template writes nothing here."""
    g.setdefault("form_labels", {})[name] = label
    return ""


def listed_refusals() -> list[tuple[str, str, str]]:
    """Return the field, label and sentence of every refusal, in the order of the page.

    What belongs to no field of the page comes first, without a label.
    """
    labels: dict[str, str] = g.get("form_labels", {})
    places = {name: place for place, name in enumerate(labels)}
    errors = sorted(form_errors().items(), key=lambda error: places.get(error[0], -1))
    return [(name, labels.get(name, ""), sentence) for name, sentence in errors]


def flash_message(message: str, kind: str = "good") -> None:
    """Keep a translated sentence for the top of the next page: good, note, warn or bad."""
    flash(message, kind)


def _again(
    form_view: PageView,
    arguments: Mapping[str, Any],
    errors: dict[str, str],
    status: int,
    *,
    is_retry: bool = False,
) -> Response:
    db.session.rollback()
    g.form_errors = errors
    g.is_retry = is_retry
    g.shown_at = _address_of(form_view, arguments)
    response = make_response(form_view(**arguments))
    response.status_code = status
    return response


def _address_of(form_view: PageView, arguments: Mapping[str, Any]) -> str | None:
    """Return where a page that shows a form is read, if it has an address of its own."""
    names = (name for name, view in current_app.view_functions.items() if view is form_view)
    endpoint = next(names, None)
    return url_for(endpoint, **arguments) if endpoint else None


def _errors_of(error: OctoError) -> dict[str, str]:
    return {part.field or "": translate(part.message, part.params) for part in error.parts}


def _flat(messages: Any, prefix: str = "") -> dict[str, str]:
    if not isinstance(messages, dict):
        sentences = messages if isinstance(messages, list) else [messages]
        return {prefix: " ".join(str(gettext(str(sentence))) for sentence in sentences)}
    found: dict[str, str] = {}
    for key, value in messages.items():
        name = "" if key == "_schema" else str(key)
        found.update(_flat(value, f"{prefix}-{name}" if prefix and name else prefix or name))
    return found


def register(app: Flask) -> None:
    """Demand the token of every form, and give macros what they need."""
    app.before_request(check_csrf)
    app.before_request(refuse_unstorable_form)
    app.jinja_env.globals.update(
        idempotency_field=idempotency_field,
        entered=entered,
        entered_list=entered_list,
        is_ticked=is_ticked,
        error_of=error_of,
        form_errors=form_errors,
        refuse_field=refuse_field,
        label_field=label_field,
        listed_refusals=listed_refusals,
    )
