"""The API: one document of what it offers, and a page that people can read."""

from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from flask import Blueprint, Flask, current_app, render_template
from flask_smorest import Api
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from octo.errors import N_
from octo.runtime import runtime
from octo.web.api_page import read_manual
from octo.web.fields import ProblemSchema
from octo.web.permissions import PUBLIC, mark_endpoint, public
from octo.web.problems import on_http_error
from octo.web.routes import PREFIX, SESSION, TOKEN, ApiBlueprint

ABOUT: Final = (
    N_("Everything the pages do, a program can do, by the same services and under the same rules."),
    N_(
        "Amounts are whole minor units (cents) beside a currency. Instants are in UTC, in "
        "ISO 8601. Ids are opaque texts."
    ),
    N_(
        "Sign in with POST /tokens and send what it gives in the header Authorization: Bearer …; "
        "a token ends after 30 days, when it is given back, and when the password changes. A "
        "browser that is signed in on the site may call the API with its cookie instead: then "
        "whatever changes something carries the header X-CSRFToken, with the csrf_token of any "
        "form. Without a cookie that header is never needed."
    ),
    N_(
        "A list answers one page: items, page, and next_page, which is null on the last one. Ask "
        "for the next with ?page=."
    ),
    N_(
        "A refusal is application/problem+json: a stable code for programs, title and detail for "
        "people in the language of Accept-Language (French by default), and errors, which names "
        "every wrong field."
    ),
    N_(
        "Where money begins to move, an Idempotency-Key makes a request safe to repeat: the same "
        "key with the same body acts once, with another body it is refused."
    ),
)

reader = Blueprint("api_reader", __name__)


class ProblemApi(Api):  # type: ignore[misc] # published without types
    """Flask-smorest with refusals answered where all of Octo's are, each of them documented.

    The document takes longer to write than all else takes to start, and most processes never
    show it: it is written when somebody first asks for it.
    """

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _init_spec(self, **options: Any) -> None:
        super()._init_spec(**options)
        self._unwritten: list[Callable[[], None]] = []
        self._writing = Lock()
        tell = self.spec.to_dict

        def to_dict() -> dict[str, Any]:
            with self._writing:
                while self._unwritten:
                    self._unwritten.pop(0)()
                described: dict[str, Any] = tell()
                return described

        self.spec.to_dict = to_dict

    def write_later(self, write: Callable[[], None]) -> None:
        """Add a part to the document once somebody reads it."""
        self._unwritten.append(write)

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Answer a refusal of Werkzeug, webargs or flask-smorest."""
        return on_http_error(error)


def register_api(app: Flask, *blueprints: ApiBlueprint) -> None:
    """Add a feature's parts of the API."""
    api: ProblemApi = app.extensions["octo.api"]
    for blueprint in blueprints:
        api.register_blueprint(blueprint)


@reader.get("/api", endpoint="short")
@reader.get(f"{PREFIX}/docs")
@public
def read_api() -> str:
    """Show what the API offers, for people."""
    api: ProblemApi = current_app.extensions["octo.api"]
    return render_template(
        "api.html",
        about=ABOUT,
        manual=read_manual(api.spec.to_dict()),
        base_url=runtime().settings.base_url,
    )


def register(app: Flask) -> None:
    """Start the document that features add to, at ``/api/v1/openapi.json``."""
    app.config.update(
        API_TITLE="Octo",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={"info": {"description": "\n\n".join(ABOUT)}},
    )
    api = app.extensions["octo.api"] = ProblemApi(app)
    api.spec.components.security_scheme(TOKEN, {"type": "http", "scheme": "bearer"})
    api.spec.components.security_scheme(
        SESSION,
        {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]},
    )
    mark_endpoint(app, "api-docs.openapi_json", PUBLIC)
    app.register_blueprint(reader)
