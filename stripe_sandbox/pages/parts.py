"""What the pages share: the platform a page is about, and the page that only says something."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

from flask import abort, current_app, render_template, request
from flask.typing import ResponseReturnValue

from stripe_sandbox.objects import Json
from stripe_sandbox.platforms import Platform, Platforms
from stripe_sandbox.store import Store


@contextlib.contextmanager
def opened(account: str) -> Iterator[Store]:
    """Yield the store of a platform that exists, in one transaction."""
    with opened_platform(account) as (_, store):
        yield store


@contextlib.contextmanager
def opened_platform(account: str) -> Iterator[tuple[Platform, Store]]:
    """Yield a platform that exists and its store; for what may be refused and yet leave a trace."""
    platforms: Platforms = current_app.extensions["platforms"]
    if not platforms.exists(account):
        abort(HTTPStatus.NOT_FOUND)
    with platforms.using(account) as platform, platform.transaction(base_url=own_url()) as store:
        yield platform, store


def own_url() -> str:
    """Return where people reach these pages."""
    public_url: str | None = current_app.extensions["public_url"]
    return (public_url or request.host_url).rstrip("/")


def found(store: Store, id_: str, type_: str) -> Json:
    """Return an object, or show that there is none."""
    stored = store.find(id_, type_)
    if stored is None:
        abort(HTTPStatus.NOT_FOUND)
    return stored


def show_message(
    title: str,
    message: str,
    *,
    link: str | None = None,
    link_text: str = "",
    status: int = HTTPStatus.OK,
) -> ResponseReturnValue:
    """Return a page with one sentence, and one way on."""
    page = render_template(
        "message.html", title=title, message=message, link=link, link_text=link_text
    )
    return page, status
