"""Add the demo to the app, in demo mode alone."""

from flask import Flask

from demo import commands, pages
from octo.runtime import Runtime
from payments.settings import StripeSettings


def register(app: Flask) -> None:
    """Add the demo's commands and pages; outside demo mode there are none."""
    runtime: Runtime = app.extensions["octo.runtime"]
    if runtime.settings.is_demo and runtime.settings.of(StripeSettings).is_sandbox:
        commands.register_commands(app)
        pages.register_pages(app)
