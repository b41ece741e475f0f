"""A test client that uses pages as a person does: it fetches the form, fills it, sends it."""

import contextvars
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import lxml.html
from flask import has_app_context
from flask.testing import FlaskClient
from lxml.html import FormElement, HtmlElement
from werkzeug.test import TestResponse

from octo.database import db

SIGN_IN_PATH: Final = "/login"


class Visitor(FlaskClient):
    """Someone with a browser: their own cookies, real CSRF tokens.

    Each request runs in a context of its own, as on a server, and the test's own session is
    expired after it: what the test reads next is what the request left.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = contextvars.Context().run(super().open, *args, **kwargs)
        refresh()
        return response

    def page(self, path: str) -> HtmlElement:
        """Fetch a page that must be there, following redirects, and parse it."""
        response = self.get(path, follow_redirects=True)
        assert response.status_code == HTTPStatus.OK, f"{path}: {response.status}"
        return parse(response)

    def submit(
        self,
        path: str,
        fields: Mapping[str, object] | None = None,
        *,
        form: str = "",
        button: str = "",
        follow: bool = True,
    ) -> TestResponse:
        """Fetch the page at ``path``, fill its form and send it; return what comes back.

        ``form`` chooses where a page has several: its id, or the end of its action. ``button``
        presses one that sends elsewhere: the end of its address.
        """
        response = self.get(path, follow_redirects=True)
        assert response.status_code == HTTPStatus.OK, f"{path}: {response.status}"
        here = response.request.full_path.removesuffix("?")
        chosen = choose_form(parse(response), form, fields or {})
        sent = {**dict(chosen.form_values()), **dict(fields or {})}
        pressed = chosen.xpath(".//button[contains(@formaction, $end)]/@formaction", end=button)
        to = pressed[0] if button else chosen.action
        target = urlsplit(urljoin(here, to or here))
        address = f"{target.path}?{target.query}" if target.query else target.path
        if chosen.method.upper() == "GET":
            return self.get(target.path, query_string=sent, follow_redirects=follow)
        return self.post(
            address,
            data=sent,
            headers={"Referer": self._absolute(here)},
            content_type="multipart/form-data" if chosen.get("enctype") else None,
            follow_redirects=follow,
        )

    def sign_in(self, email: str, password: str) -> None:
        """Sign in through the page; fails the test if it is refused."""
        self.submit(SIGN_IN_PATH, {"email": email, "password": password}, form=SIGN_IN_PATH)
        with self.session_transaction() as session:
            assert "_user_id" in session, f"{email} could not sign in"

    def _absolute(self, path: str) -> str:
        return urljoin("http://localhost", path)


def refresh() -> None:
    """Make the test's own session read anew, after something else has written."""
    if has_app_context() and db.session.registry.has():
        db.session.rollback()
        db.session.expire_all()


def parse(response: TestResponse) -> HtmlElement:
    """Parse the body of a page."""
    page: HtmlElement = lxml.html.fromstring(response.get_data(as_text=True))
    return page


def choose_form(page: HtmlElement, hint: str, fields: Mapping[str, object]) -> FormElement:
    """Find the one form that matches the hint, or else has every field to be filled."""
    forms: list[FormElement] = list(page.forms)
    if hint:
        chosen = [f for f in forms if f.get("id") == hint or (f.get("action") or "").endswith(hint)]
    else:
        chosen = [f for f in forms if f.method.upper() == "POST" and set(fields) <= set(f.fields)]
    assert len(chosen) >= 1, f"no form {hint or sorted(fields)} among {[f.action for f in forms]}"
    assert len(chosen) == 1 or hint, f"several forms match: {[f.action for f in chosen]}"
    return chosen[0]
