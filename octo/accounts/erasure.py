"""Where each package says what it does when a person leaves."""

from flask import Flask

from octo.accounts.services import Eraser


def register_eraser(app: Flask, eraser: Eraser) -> None:
    """Have ``eraser`` called, in the same transaction, whenever a person is erased."""
    erasers_of(app).append(eraser)


def erasers_of(app: Flask) -> list[Eraser]:
    """Return what every package does when a person leaves."""
    known: list[Eraser] = app.extensions.setdefault("octo.erasers", [])
    return known
