"""What was typed comes back although its form could not be taken: nobody types it twice.

A session that ended, a token too old, a limit, a fault of ours: the page that says so carries the
entries along, and leads back to the form with all of them in it. Nothing is done by that alone.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, current_app, g, request
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from octo.bounded_json import UnreadableError, read_json

AGAIN: Final = "kept_again"
_PATH: Final = "kept_path"
_ENTRIES: Final = "kept_entries"
_LEFT_OUT: Final = frozenset({"csrf_token", _PATH, _ENTRIES})
_SHOWS_AGAIN: Final = "octo_shows_again"
_SIGN_IN: Final = "octo.sign_in_page"


@dataclass(frozen=True)
class KeptForm:
    """Where a form was sent to, and what was typed in it, but for passwords and files."""

    path: str
    entries: tuple[tuple[str, str], ...]

    @property
    def way_back(self) -> str:
        """Return where the entries are sent to be shown again."""
        return f"{self.path}?{AGAIN}=1"

    def fields(self) -> Markup:
        """Return the entries as hidden fields of a form that leads back to the page."""
        return Markup().join(_hidden(name, value) for name, value in self.entries)

    def carried(self) -> Markup:
        """Return hidden fields that carry all of it through another form."""
        return _hidden(_PATH, self.path) + _hidden(_ENTRIES, json.dumps(self.entries))


def shows_again(view: Any) -> Any:
    """Mark a view whose page can be shown again with what was entered."""
    setattr(view, _SHOWS_AGAIN, True)
    return view


def is_asked_again() -> bool:
    """Tell whether a form comes back with what was kept of it, to be shown and not taken."""
    return AGAIN in request.args


def kept_form() -> KeptForm | None:
    """Return what was typed in this request's form, if its page can show it again."""
    if request.endpoint is None or request.method != "POST" or _is_failing():
        return None
    if not hasattr(current_app.view_functions[request.endpoint], _SHOWS_AGAIN):
        return None
    entries = tuple(
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in _LEFT_OUT and "password" not in name
    )
    return KeptForm(request.path, entries) if entries else None


def carried_form() -> KeptForm | None:
    """Return the form that the form of signing in carries along, if it does."""
    if "kept_form" in g:
        kept: KeptForm = g.kept_form
        return kept
    path, written = request.form.get(_PATH, ""), request.form.get(_ENTRIES, "")
    if not path.startswith("/") or path.startswith("//") or "\\" in path:
        return None
    try:
        found = read_json(written.encode())
    except UnreadableError:
        return None
    entries = [one for one in found if _is_entry(one)] if isinstance(found, list) else []
    return KeptForm(path, tuple((name, value) for name, value in entries)) if entries else None


def serve_sign_in_by(app: Flask, page: Callable[[], Any]) -> None:
    """Have this page asked of whoever sends a form signed out."""
    app.extensions[_SIGN_IN] = page


def ask_to_sign_in(kept: KeptForm) -> Any:
    """Answer with the page to sign in on, which carries a form along."""
    g.kept_form = kept
    return current_app.extensions[_SIGN_IN]()


def _is_failing() -> bool:
    """Tell whether the form itself cannot be read, so that nothing of it can be kept."""
    try:
        return not request.form
    except HTTPException:  # too large, cut off or no form: it is refused for that
        return True


def _is_entry(found: Any) -> bool:
    match found:
        case [str(), str()]:
            return True
    return False


def _hidden(name: str, value: str) -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(name, value)


def register(app: Flask) -> None:
    """Give templates what they need."""
    app.jinja_env.globals.update(carried_form=carried_form, kept_form=kept_form)
