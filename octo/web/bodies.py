"""What a request may carry: a body of a kind that is read here, and JSON within bounds.

Whoever reads a body gets it from here, so that what a library would stumble over is refused before
it is read: other kinds (415), and JSON out of bounds (``octo/bounded_json.py``).
"""

from functools import cached_property
from typing import Any, Final

from flask import Flask, Request, current_app, request
from werkzeug.datastructures import Authorization, ImmutableMultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from octo.bounded_json import read_json

JSON_TYPE: Final = "application/json"
FORM_TYPES: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
API_TYPES: Final = FORM_TYPES | {JSON_TYPE}
_UTF_8: Final = frozenset({"", "utf-8", "utf8"})
_READS_ITSELF: Final = "octo_reads_itself"


class _StrictJson:
    """What Flask's own ``get_json`` reads by."""

    @staticmethod
    def loads(raw: bytes) -> Any:
        return read_json(raw)


class BoundedRequest(Request):
    """A request whose parts are refused rather than stumbled over."""

    json_module = _StrictJson

    @cached_property
    def authorization(self) -> Authorization | None:
        """Return what ``Authorization`` says; what nobody can read says nothing."""
        try:
            return Authorization.from_header(self.headers.get("Authorization"))
        except ValueError:
            return None

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """Return the cookies that may be ours: all of those are ASCII, and are compared as such."""
        sent = super().cookies
        return ImmutableMultiDict(
            (name, value) for name, value in sent.items(multi=True) if value.isascii()
        )


def reads_its_body(view: Any) -> Any:
    """Leave the body of a request, whatever its kind, to the view."""
    setattr(view, _READS_ITSELF, True)
    return view


def has_body() -> bool:
    """Tell whether the request carries anything; ``chunked`` says no length beforehand."""
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def demand_kind(*kinds: str) -> None:
    """Refuse a body of any kind but these, with 415; no body at all is of none."""
    if not has_body():
        return
    charset = request.mimetype_params.get("charset", "").strip().lower()
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if request.mimetype not in kinds or charset not in _UTF_8 or encoding != "identity":
        raise UnsupportedMediaType


def refuse_unreadable_body() -> None:
    """Refuse a body that no view reads: pages read forms, the API JSON too.

    Which of them an operation of the API takes is checked where it is read.
    """
    if _is_read_here():
        demand_kind(*(API_TYPES if request.path.startswith("/api/") else FORM_TYPES))


def refuse_unstorable_form() -> None:
    """Refuse a form that holds a NUL: PostgreSQL stores none."""
    if not _is_read_here() or request.mimetype not in FORM_TYPES:
        return
    if any(
        "\x00" in name or any("\x00" in value for value in values)
        for name, values in request.form.lists()
    ):
        raise BadRequest


def _is_read_here() -> bool:
    if request.endpoint is None:
        return False
    return not hasattr(current_app.view_functions[request.endpoint], _READS_ITSELF)


def register(app: Flask) -> None:
    """Have every request read within bounds."""
    app.request_class = BoundedRequest
    app.before_request(refuse_unreadable_body)
