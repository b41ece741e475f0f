"""What playing the demo needs of the app it plays in."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, current_app

from campaigns.commands import keep_cover
from campaigns.ports import Payments, bound_payments
from octo.clock import Clock
from octo.config import Settings
from octo.runtime import runtime


@dataclass(frozen=True)
class Stagehands:
    """The app, its settings and clock, and its money side."""

    app: Flask
    settings: Settings
    clock: Clock
    payments: Payments
    keep_picture: Callable[[bytes], str]


def stagehands() -> Stagehands:
    """Gather them from the current app; for commands and pages."""
    found = runtime()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's own way
    return Stagehands(app, found.settings, found.clock, bound_payments(), keep_cover)
