"""Sentences that people in charge see on every page while something needs them."""

from collections.abc import Callable

from flask import Flask, current_app
from flask_login import current_user

Notice = Callable[[], str | None]


def add_staff_notice(app: Flask, notice: Notice) -> None:
    """Ask this of every page that somebody signed in sees; it gives a sentence, or nothing."""
    known: list[Notice] = app.extensions.setdefault("octo.staff_notices", [])
    known.append(notice)


def staff_notices() -> list[str]:
    """Return the sentences for the current user."""
    if not current_user.is_authenticated:
        return []
    known: list[Notice] = current_app.extensions.get("octo.staff_notices", [])
    return [sentence for notice in known if (sentence := notice()) is not None]


def register(app: Flask) -> None:
    """Give the shell the sentences."""
    app.jinja_env.globals["staff_notices"] = staff_notices
