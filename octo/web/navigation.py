"""The links of the page shell; each feature adds its own, so the shell knows none."""

from dataclasses import dataclass
from enum import StrEnum

from flask import Flask, current_app, request, url_for
from flask_babel import gettext
from flask_login import current_user

from octo.paging import LAST_PAGE
from octo.permissions import Permission


class Place(StrEnum):
    """Where in the shell a link stands."""

    MAIN = "main"
    ACCOUNT = "account"
    WORK = "work"
    FOOTER = "footer"
    DEMO = "demo"


@dataclass(frozen=True)
class Link:
    """A link of the shell: a msgid, an endpoint, and who sees it."""

    label: str
    endpoint: str
    place: Place = Place.MAIN
    order: int = 50
    permission: Permission | None = None
    for_guests: bool = True
    for_signed_in: bool = True


@dataclass(frozen=True)
class ShownLink:
    """A link as this reader sees it."""

    label: str
    url: str
    is_current: bool


def add_link(app: Flask, link: Link) -> None:
    """Add a link to the shell, when a feature registers."""
    links: list[Link] = app.extensions.setdefault("octo.links", [])
    links.append(link)
    links.sort(key=lambda known: known.order)


def links_of(place: str) -> list[ShownLink]:
    """Return the links of a place of the shell that the current user may follow."""
    known: list[Link] = current_app.extensions.get("octo.links", [])
    return [
        ShownLink(
            str(gettext(link.label)), url_for(link.endpoint), request.endpoint == link.endpoint
        )
        for link in known
        if link.place == place and _is_shown(link)
    ]


def asked_page(name: str = "page") -> int:
    """Return which page of a long list the address asks for; nonsense asks for the first."""
    written = request.args.get(name, "1")
    is_number = written.isascii() and written.isdecimal() and len(written) < len(str(LAST_PAGE))
    return max(int(written), 1) if is_number else 1


def _is_shown(link: Link) -> bool:
    if link.permission is not None:
        return link.permission.predicate.opens_to(current_user)
    return link.for_signed_in if current_user.is_authenticated else link.for_guests


def register(app: Flask) -> None:
    """Give the links to the shell."""
    app.jinja_env.globals.update(links_of=links_of, has_page=app.view_functions.__contains__)
