"""A part of the API: its routes, and what the document can say of each without being told.

Who may enter is read from the mark of a view, which refusals it knows from ``@api.refuses``,
how often it may be asked from the limits that guard it; its docstring is its summary. Sentences
of the document are English; ``make catalogs`` takes them from these docstrings, and the readable
page says them in the reader's language.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar

import marshmallow as ma
from flask_smorest import Blueprint
from flask_smorest.utils import prepare_response
from marshmallow import fields
from webargs.flaskparser import FlaskParser, abort
from werkzeug.datastructures import CombinedMultiDict

from octo.bounded_json import UnreadableError, read_json
from octo.errors import N_, OctoError
from octo.paging import LAST_PAGE, Window
from octo.web.bodies import (
    JSON_TYPE,
    demand_kind,
    has_body,
    refuse_unstorable_form,
)
from octo.web.fields import Between, Count, ProblemSchema, Shown
from octo.web.limits import is_limited
from octo.web.permissions import Access, access_of
from octo.web.problems import PROBLEM_TYPE

PREFIX: Final = "/api/v1"
TOKEN: Final = "token"  # noqa: S105 - the name of a way to sign in
SESSION: Final = "session"
View = TypeVar("View", bound=Callable[..., Any])


class Refusal(NamedTuple):
    """One answer that is no, by its stable code."""

    status: HTTPStatus
    code: str
    about: str


_UNREADABLE: Final = Refusal(
    HTTPStatus.BAD_REQUEST, "bad_request", N_("The body or the address cannot be read.")
)
_FORGED: Final = Refusal(
    HTTPStatus.BAD_REQUEST,
    "form_too_old",
    N_("A browser's cookie came without the header X-CSRFToken."),
)
_TOKEN_OVER: Final = Refusal(
    HTTPStatus.UNAUTHORIZED,
    "token_not_valid",
    N_("The access token is unknown, has ended or was given back."),
)
_NOBODY: Final = Refusal(
    HTTPStatus.UNAUTHORIZED, "sign_in_required", N_("This is for people who have signed in.")
)
_NO_RIGHT: Final = Refusal(
    HTTPStatus.FORBIDDEN, "forbidden", N_("Your roles do not include this permission.")
)
_NOTHING: Final = Refusal(
    HTTPStatus.NOT_FOUND,
    "not_found",
    N_("Nothing stands at this id, or nothing that you may see."),
)
_TOO_LARGE: Final = Refusal(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", N_("The body is larger than 12 MB.")
)
_WRONG_KIND: Final = Refusal(
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unsupported_media_type",
    N_("The body is of another kind than the one described, or not in UTF-8."),
)
_INVALID: Final = Refusal(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid",
    N_("Some fields are invalid: errors names every one of them."),
)
_TOO_OFTEN: Final = Refusal(
    HTTPStatus.TOO_MANY_REQUESTS,
    "too_many_requests",
    N_("Too many tries from one address; wait before the next one."),
)
_AWAY: Final = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "unavailable",
    N_("The site is too busy, or something it needs is away; trying again later is safe."),
)
GENERAL: Final = (
    _UNREADABLE,
    _FORGED,
    _TOKEN_OVER,
    _NOBODY,
    _NO_RIGHT,
    _NOTHING,
    _TOO_LARGE,
    _WRONG_KIND,
    _INVALID,
    _TOO_OFTEN,
    _AWAY,
)


class Parser(FlaskParser):
    """Reads a file together with the fields sent beside it."""

    __location_map__ = {  # noqa: RUF012 - webargs' own table
        **FlaskParser.__location_map__,
        "multipart": "load_multipart",
    }

    def load_json(self, request: Any, schema: ma.Schema) -> Any:
        """Read a JSON body, or refuse one of another kind (415) or one nobody can read (400)."""
        del schema
        demand_kind(JSON_TYPE)
        if not has_body():
            return ma.missing
        try:
            return read_json(request.get_data())
        except UnreadableError:
            abort(HTTPStatus.BAD_REQUEST, messages={"json": [N_("Invalid JSON body.")]})

    def load_multipart(self, request: Any, schema: ma.Schema) -> Any:
        """Give the files and the fields of a form as one."""
        refuse_unstorable_form()
        return self._makeproxy(CombinedMultiDict([request.files, request.form]), schema)


@dataclass(frozen=True)
class Facts:
    """What is known of an operation before anybody describes it."""

    name: str
    access: Access | None
    has_place: bool
    is_limited: bool


class WindowSchema(ma.Schema):
    page = fields.Integer(
        load_default=1,
        validate=Between(min=1, max=LAST_PAGE),
        metadata={"description": N_("Which page of the list to read.")},
    )

    @ma.post_load
    def _to_window(self, found: dict[str, int], **_options: Any) -> Window:
        return Window(page=found["page"])


@cache
def page_of(schema: type[ma.Schema]) -> type[ma.Schema]:
    """Return the shape of one page of a list."""
    shape = {
        "items": fields.List(fields.Nested(schema)),
        "page": Count(least=1),
        "next_page": Count(
            least=2,
            allow_none=True,
            metadata={"description": N_("Null on the last page.")},
        ),
    }
    return type(f"{schema.__name__.removesuffix('Schema')}PageSchema", (Shown,), shape)


class ApiBlueprint(Blueprint):  # type: ignore[misc] # published without types
    """One part of the API, which stands under its own title on the readable page."""

    ARGUMENTS_PARSER = Parser()
    DEFAULT_LOCATION_CONTENT_TYPE_MAPPING = {  # noqa: RUF012 - flask-smorest's own table
        **Blueprint.DEFAULT_LOCATION_CONTENT_TYPE_MAPPING,
        "multipart": "multipart/form-data",
    }

    def __init__(self, title: str, module: str, *, description: str) -> None:
        super().__init__(title, module, url_prefix=PREFIX, description=description)
        self._prepare_doc_cbks.append(self._describe)

    def paged(self, schema: type[ma.Schema]) -> Callable[[View], View]:
        """Answer one page of a list: the view takes a ``Window`` and returns a ``Page``."""

        def decorate(view: View) -> View:
            answered = self.response(HTTPStatus.OK, page_of(schema))(view)
            windowed: View = self.arguments(WindowSchema, location="query")(answered)
            return windowed

        return decorate

    @staticmethod
    def refuses(*errors: type[OctoError]) -> Callable[[View], View]:
        """Say in the document which refusals of its services an operation may answer."""

        def decorate(view: View) -> View:
            described = deepcopy(getattr(view, "_apidoc", {}))
            described["refusals"] = [_refusal_of(error) for error in errors]
            view._apidoc = described  # type: ignore[attr-defined]  # noqa: SLF001 - where flask-smorest keeps what it documents
            return view

        return decorate

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, **options: Any
    ) -> None:
        """Add a route, and note what it is."""
        super().add_url_rule(rule, endpoint, view_func, **options)
        name = self._endpoints[-1]
        for method in options["methods"]:
            self._docs[name][method.lower()]["facts"] = Facts(
                name=name,
                access=access_of(view_func, method),
                has_place="<" in rule,
                is_limited=is_limited(view_func),
            )

    def register_views_in_doc(self, api: Any, app: Any, spec: Any, **named: Any) -> None:
        """Describe the routes once the document is asked for."""
        api.write_later(partial(super().register_views_in_doc, api, app, spec, **named))

    @staticmethod
    def _describe(
        doc: dict[str, Any], known: dict[str, Any], *, spec: Any, method: str, **_others: Any
    ) -> dict[str, Any]:
        """Complete an operation with its name, who may ask, and every answer that is no."""
        facts: Facts = known["facts"]
        doc["operationId"] = facts.name
        doc["security"] = _security_of(facts.access)
        permission = facts.access.permission if facts.access is not None else None
        if permission is not None and permission.predicate.roles:
            doc["x-roles"] = list(permission.predicate.roles)
        answers = doc.setdefault("responses", {})
        answers.pop(HTTPStatus.UNPROCESSABLE_ENTITY, None)
        plain = _plain_refusals(
            facts, method, has_body="requestBody" in doc, is_checked="arguments" in known
        )
        refusals = [*plain, *known.get("refusals", ())]
        for status in sorted({refusal.status for refusal in refusals}):
            answers[int(status)] = _answer(spec, [r for r in refusals if r.status is status])
        return doc


def _refusal_of(error: type[OctoError]) -> Refusal:
    about = " ".join((error.__doc__ or "").split("\n\n")[0].split())
    return Refusal(error.status, error.code, about)


def _plain_refusals(
    facts: Facts, method: str, *, has_body: bool, is_checked: bool
) -> Iterator[Refusal]:
    """Yield the refusals that follow from what an operation is."""
    if is_checked:
        yield _UNREADABLE
    if method != "get":
        yield _FORGED
        yield _WRONG_KIND
    yield _TOKEN_OVER
    if facts.access is None or not facts.access.is_public:
        yield _NOBODY
    if facts.access is not None and facts.access.permission is not None:
        yield _NO_RIGHT
    if facts.has_place:
        yield _NOTHING
    if has_body:
        yield _TOO_LARGE
    if is_checked:
        yield _INVALID
    if facts.is_limited:
        yield _TOO_OFTEN
    yield _AWAY


def _security_of(access: Access | None) -> list[dict[str, list[str]]]:
    """Return the ways to sign in; the empty one, for the public, is not to."""
    ways: list[dict[str, list[str]]] = [{TOKEN: []}, {SESSION: []}]
    return [{}, *ways] if access is not None and access.is_public else ways


def _answer(spec: Any, refusals: list[Refusal]) -> dict[str, Any]:
    """Describe what is answered with one status, and each code it may carry."""
    answer = {
        "description": "\n".join(f"- `{refusal.code}`: {refusal.about}" for refusal in refusals),
        "schema": ProblemSchema,
        "x-codes": {refusal.code: refusal.about for refusal in refusals},
    }
    prepare_response(answer, spec, PROBLEM_TYPE)
    return answer
