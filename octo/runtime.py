"""What a request, command or job needs of the app it runs in."""

from dataclasses import dataclass

from flask import current_app

from octo.clock import Clock
from octo.config import Settings


@dataclass(frozen=True)
class Runtime:
    """The settings and the clock of one app."""

    settings: Settings
    clock: Clock


def runtime() -> Runtime:
    """Return the runtime of the current app; for pages, API, commands and jobs only."""
    found: Runtime = current_app.extensions["octo.runtime"]
    return found
