"""The WSGI application: API, control paths and hosted pages behind one door."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from stripe_sandbox import control as _control  # noqa: F401  # fills the table of control paths
from stripe_sandbox import resources as _resources  # noqa: F401  # fills the table of API paths
from stripe_sandbox.api import ApiRequest, check_secret_key, serve
from stripe_sandbox.errors import ApiError, ConnectionDropped
from stripe_sandbox.faults import choose_fault
from stripe_sandbox.forms import Params, parse_form
from stripe_sandbox.idempotency import Answer
from stripe_sandbox.objects import API_VERSION, Json, new_id
from stripe_sandbox.pages import create_pages
from stripe_sandbox.platforms import Platforms
from stripe_sandbox.routing import CONTROL_URLS, URLS, ControlCall
from stripe_sandbox.webhooks import Courier

_logger: Final = logging.getLogger(__name__)
_LARGEST_BODY: Final = 1_000_000


class Sandbox:
    """The sandbox as one WSGI application; ``start`` it to have webhooks sent by themselves."""

    def __init__(self, path: Path, public_url: str | None = None) -> None:
        self._public_url = public_url
        self.platforms = Platforms(path)
        self.courier = Courier(self.platforms)
        self._pages = create_pages(self.platforms, public_url)

    def start(self) -> None:
        self.courier.start()

    def close(self) -> None:
        self.courier.stop()
        self.platforms.close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(("/v1/", "/v2/", "/_sandbox/")):
            return self._pages(environ, start_response)
        request = Request(environ)
        try:
            return self._answer(request)(environ, start_response)
        except ConnectionDropped:
            return _cut(environ)

    def _answer(self, request: Request) -> Response:
        request_id = new_id("req", 14)
        try:
            authorization = request.authorization
            username = authorization.username if authorization else None
            key = check_secret_key(request.headers.get("Authorization"), username)
            account = self.platforms.account_of(key)
            if request.path.startswith("/_sandbox/"):
                answer = self._control(request, account)
            else:
                answer = self._api(request, account, request_id)
        except ApiError as refusal:
            answer = Answer(refusal.status, refusal.body(request_id), refusal.headers)
        except ConnectionDropped:
            raise
        except Exception:
            _logger.exception("the sandbox failed on %s %s", request.method, request.path)
            failure = ApiError("An unknown error occurred", status=500, type_="api_error")
            answer = Answer(500, failure.body(request_id))
        return _response(answer, request, request_id)

    def _base_url(self, request: Request) -> str:
        return (self._public_url or request.host_url).rstrip("/")

    def _api(self, request: Request, account: str, request_id: str) -> Answer:
        try:
            route, args = URLS.bind("sandbox").match(request.path, request.method)
        except HTTPException:
            raise ApiError(
                f"Unrecognized request URL ({request.method}: {request.path}).",
                status=404,
                saved=False,
            ) from None
        incoming = ApiRequest(
            id=request_id,
            method=request.method,
            path=request.path,
            path_args=dict(args),
            params=_params(request),
            idempotency_key=request.headers.get("Idempotency-Key"),
            stripe_account=request.headers.get("Stripe-Account")
            or request.headers.get("Stripe-Context"),
            base_url=self._base_url(request),
        )
        with self.platforms.using(account) as platform:
            fault = choose_fault(platform, incoming)
            answer = serve(platform, route, incoming, fault)
            self.courier.after_request(platform)
            return answer

    def _control(self, request: Request, account: str) -> Answer:
        try:
            handler, args = CONTROL_URLS.bind("sandbox").match(request.path, request.method)
        except HTTPException:
            raise ApiError(f"No such control path: {request.path}", status=404) from None
        with self.platforms.using(account) as platform:
            params = Params(_params(request))
            call = ControlCall(platform, params, dict(args), self._base_url(request))
            body = handler(call)
            self.courier.after_request(platform)
            return Answer(200, body)


def create_sandbox(path: Path, *, public_url: str | None = None) -> Sandbox:
    """Return the sandbox that keeps its files in this directory.

    ``public_url`` is where people reach its pages, if not where the API is called.
    """
    return Sandbox(path, public_url)


def _params(request: Request) -> Json:
    if request.method in {"GET", "DELETE"}:
        return parse_form(request.query_string.decode())
    if (request.content_length or 0) > _LARGEST_BODY:
        raise ApiError("The request body is too large.", status=413, saved=False)
    text = request.get_data(as_text=True)
    if request.mimetype != "application/json":
        return parse_form(text)
    try:
        body = json.loads(text or "{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError("Invalid JSON body: it must be an object.", saved=False)
    return body


def _response(answer: Answer, request: Request, request_id: str) -> Response:
    response = Response(json.dumps(answer.body), status=answer.status, mimetype="application/json")
    response.headers["Request-Id"] = request_id
    response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
    if key := request.headers.get("Idempotency-Key"):
        response.headers["Idempotency-Key"] = key
    for name, value in answer.headers.items():
        response.headers[name] = value
    return response


def _cut(environ: WSGIEnvironment) -> Iterable[bytes]:
    """Close the connection without a byte of answer, as a broken network does."""
    cut: Callable[[], None] | None = environ.get("sandbox.cut_connection")
    if cut is not None:
        cut()
    raise ConnectionDropped
