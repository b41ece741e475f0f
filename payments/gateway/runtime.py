"""What the money side needs of the app it runs in."""

from dataclasses import dataclass

from flask import Flask, current_app

from octo.clock import Clock
from octo.config import Settings
from octo.runtime import Runtime
from payments.gateway.client import Gateway
from payments.settings import StripeSettings


@dataclass(frozen=True)
class PaymentsRuntime:
    """The gateway of one app, beside its settings and clock."""

    settings: Settings
    clock: Clock
    gateway: Gateway


def bind_runtime(app: Flask) -> PaymentsRuntime:
    """Make the one gateway of this app; done once, when the package registers."""
    base: Runtime = app.extensions["octo.runtime"]
    made = PaymentsRuntime(
        settings=base.settings, clock=base.clock, gateway=Gateway(base.settings.of(StripeSettings))
    )
    app.extensions["payments.gateway.runtime"] = made
    return made


def payments_runtime() -> PaymentsRuntime:
    """Return the runtime of the current app; for pages, API, commands and jobs only."""
    found: PaymentsRuntime = current_app.extensions["payments.gateway.runtime"]
    return found
