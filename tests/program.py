"""A program that uses the API: no cookies, an access token once it has signed in."""

import contextvars
from http import HTTPStatus
from typing import Any, Final

from flask import Flask
from werkzeug.test import TestResponse

from tests.make import PASSWORD
from tests.visitor import refresh

PREFIX: Final = "/api/v1"


class Program:
    """A client of the API; each request runs in a context of its own, as on a server."""

    def __init__(self, app: Flask, *, token: str | None = None) -> None:
        self._client = app.test_client(use_cookies=False)
        self.token = token

    def sign_in(self, email: str, password: str = PASSWORD) -> "Program":
        """Get an access token, and send it from now on."""
        body = {"email": email, "password": password}
        self.token = self.post("/tokens", body, status=HTTPStatus.CREATED)["token"]
        return self

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        """Make one request and return the answer, whatever it is."""
        headers = {"Accept-Language": "en", **options.pop("headers", {})}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        response: TestResponse = contextvars.Context().run(
            self._client.open,
            PREFIX + path,
            method=method,
            headers=headers,
            buffered=True,  # what is streamed is read in the same context
            **options,
        )
        refresh()
        return response

    def get(self, path: str, *, status: int = HTTPStatus.OK) -> Any:
        return told(self.ask("GET", path), status)

    def post(
        self,
        path: str,
        body: object = None,
        *,
        status: int = HTTPStatus.OK,
        key: str | None = None,
    ) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return told(self.ask("POST", path, json=body, headers=headers), status)

    def patch(self, path: str, body: object, *, status: int = HTTPStatus.OK) -> Any:
        return told(self.ask("PATCH", path, json=body), status)

    def put(self, path: str, body: object, *, status: int = HTTPStatus.OK) -> Any:
        return told(self.ask("PUT", path, json=body), status)

    def delete(self, path: str, *, status: int = HTTPStatus.NO_CONTENT) -> Any:
        return told(self.ask("DELETE", path), status)

    def code(self, method: str, path: str, body: object = None, key: str | None = None) -> str:
        """Return ``409 not_editable`` of a request that is refused."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.ask(method, path, json=body, headers=headers)
        assert answer.content_type == "application/problem+json", answer.text
        return f"{answer.status_code} {answer.get_json()['code']}"


def told(response: TestResponse, status: int) -> Any:
    """Return what was answered, once the status is what it must be."""
    assert response.status_code == status, f"{response.status}: {response.text}"
    return response.get_json(silent=True)
