"""The way of one API request: authenticate, claim its key, work in one transaction, answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

from stripe_sandbox.errors import ApiError, unauthorized
from stripe_sandbox.expansion import render
from stripe_sandbox.forms import Params
from stripe_sandbox.idempotency import Answer, claim, find_answer, fingerprint, save_answer
from stripe_sandbox.objects import Json
from stripe_sandbox.platforms import Platform
from stripe_sandbox.routing import Call, Route
from stripe_sandbox.store import Store

_PRIVATE_PREFIXES = ("sk_test_", "rk_test_")


@dataclass(frozen=True)
class ApiRequest:
    """One request as it arrived, before anything is done about it."""

    id: str
    method: str
    path: str
    path_args: dict[str, str]
    params: Json
    idempotency_key: str | None
    stripe_account: str | None
    base_url: str

    @property
    def key(self) -> str | None:
        """Return the idempotency key, which counts for ``POST`` alone."""
        return self.idempotency_key if self.method == "POST" else None


class Fault(Protocol):
    """What goes wrong with one request, at four moments of its way.

    Each may raise ``ApiError`` (the answer becomes that error) or, outside the
    transaction, sleep or raise ``ConnectionDropped``.
    """

    def on_receipt(self) -> None:
        """Run before anything is read or locked: latency, 429, a dropped connection."""

    def on_execution(self) -> None:
        """Run after the work, before its commit: an error raised here undoes the work."""

    def on_answer(self, answer: Answer) -> Answer:
        """Replace the answer of work that is kept; the key remembers the replacement."""
        ...

    def on_departure(self) -> None:
        """Run after the commit, with nothing locked: a timeout, a dropped connection."""


def check_secret_key(authorization: str | None, username: str | None) -> str:
    """Return the test key of a request, or refuse it."""
    scheme, _, bearer = (authorization or "").partition(" ")
    key = username if scheme.lower() == "basic" else bearer.strip()
    if not key:
        raise unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization"
            " header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if key.startswith(("sk_live_", "rk_live_")):
        raise unauthorized(
            "This is the Octo sandbox, not Stripe: it refuses live keys. Use a key that starts"
            " with sk_test_, and replace the live key if it was sent here by mistake."
        )
    if not key.startswith(_PRIVATE_PREFIXES):
        raise unauthorized(f"Invalid API Key provided: {key[:8]}{'*' * max(0, len(key) - 8)}")
    return key


def serve(platform: Platform, route: Route, request: ApiRequest, fault: Fault) -> Answer:
    """Answer one API request, whatever goes wrong."""
    try:
        with claim(platform, request.key):
            fault.on_receipt()
            answer = _work(platform, route, request, fault)
            fault.on_departure()
            return answer
    except ApiError as refusal:
        answer = Answer(refusal.status, refusal.body(request.id), refusal.headers)
        with platform.transaction() as store:
            _log(store, request, answer)
        return answer


def _work(
    platform: Platform,
    route: Route,
    request: ApiRequest,
    fault: Fault,
) -> Answer:
    key, account = request.key, request.stripe_account or platform.account
    is_v2 = request.path.startswith("/v2/")  # which runs a failed request again
    print_ = fingerprint(request.path, account, request.params) if key else ""
    with platform.transaction(
        request={"id": request.id, "idempotency_key": key}, base_url=request.base_url
    ) as store:
        if key and (known := find_answer(store, key, request.path, print_)) is not None:
            _log(store, request, known)
            return known
        answer = fault.on_answer(_attempt(platform, store, route, request, fault))
        if key and answer.saved and not (is_v2 and answer.status >= 400):  # noqa: PLR2004
            save_answer(store, key, request.path, print_, answer)
        _log(store, request, answer)
        return answer


def _attempt(
    platform: Platform,
    store: Store,
    route: Route,
    request: ApiRequest,
    fault: Fault,
) -> Answer:
    params = Params(request.params)
    try:
        with platform.attempt(store):
            if request.stripe_account and request.stripe_account != platform.account:
                _check_connected(store, request.stripe_account)
                store = store.on(request.stripe_account)
            if route.params is not None:
                params.allow(route.params)
            call = Call(store, params, request.path_args, request.path, request.base_url)
            shown = render(store, route.handler(call), _asked_for(params))
            fault.on_execution()
    except ApiError as refusal:
        return Answer(
            refusal.status, refusal.body(request.id), refusal.headers, saved=refusal.saved
        )
    return Answer(200, shown)


def _check_connected(store: Store, account: str) -> None:
    if store.platform.find(account) is None:
        raise ApiError(
            f"The provided key does not have access to account '{account}' (or that account does"
            " not exist).",
            status=403,
            code="account_invalid",
            saved=False,
        )


def _asked_for(params: Params) -> list[str]:
    expand = params.values.get("expand") or []
    return [str(each) for each in expand] if isinstance(expand, list) else []


def _log(store: Store, request: ApiRequest, answer: Answer) -> None:
    store.execute(
        "INSERT INTO request_log (at, request_id, method, path, params, idempotency_key, account,"
        " status, replayed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            store.now,
            request.id,
            request.method,
            request.path,
            json.dumps(request.params),
            request.idempotency_key,
            request.stripe_account,
            answer.status,
            answer.replayed,
        ),
    )
