"""The API: one document of what it offers, refusals in problem+json, and a readable page."""

from typing import Any, Final

import marshmallow as ma
from flask import Blueprint, Flask, current_app, render_template
from flask_smorest import Api
from flask_smorest import Blueprint as ApiBlueprint
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from octo.web.permissions import PUBLIC, mark_endpoint, public
from octo.web.problems import on_http_error

PREFIX: Final = "/api/v1"
_METHODS: Final = ("get", "post", "put", "patch", "delete")

reader = Blueprint("api_reader", __name__)


class ProblemSchema(ma.Schema):
    """A refusal, as RFC 9457 shapes it, with the stable ``code`` of its kind."""

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    code = ma.fields.String(required=True)
    detail = ma.fields.String()
    errors = ma.fields.Dict()


class ProblemApi(Api):  # type: ignore[misc] # published without types
    """Flask-smorest with refusals answered where all of Octo's are."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Answer a refusal of Werkzeug, webargs or flask-smorest."""
        return on_http_error(error)


def register_api(app: Flask, blueprint: ApiBlueprint) -> None:
    """Add a feature's part of the API; its ``url_prefix`` starts with ``/api/v1``."""
    api: ProblemApi = app.extensions["octo.api"]
    api.register_blueprint(blueprint)


@reader.get("/api", endpoint="short")
@reader.get(f"{PREFIX}/docs")
@public
def read_api() -> str:
    """Show what the API offers, for people."""
    return render_template("api.html", **described())


def described() -> dict[str, Any]:
    """Return the document of the API with its operations by tag."""
    spec: dict[str, Any] = current_api().spec.to_dict()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in spec.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                operation = {"path": path, "method": method.upper(), **item[method]}
                groups.setdefault((operation.get("tags") or [""])[0], []).append(operation)
    return {"spec": spec, "groups": groups}


def current_api() -> ProblemApi:
    """Return the API of the current app."""
    found: ProblemApi = current_app.extensions["octo.api"]
    return found


def register(app: Flask) -> None:
    """Start the document that features add to, at ``/api/v1/openapi.json``."""
    app.config.update(
        API_TITLE="Octo",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
    )
    app.extensions["octo.api"] = ProblemApi(app)
    mark_endpoint(app, "api-docs.openapi_json", PUBLIC)
    app.register_blueprint(reader)
