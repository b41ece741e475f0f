"""Add the money side to the app."""

from flask import Flask

from campaigns.ports import bind_payments
from campaigns.resources import bind_resource
from octo.accounts.erasure import register_eraser
from octo.health.longest_times import register_longest_times
from octo.health.vitals import register_vitals
from octo.web.security import allow_form_targets
from octo.worker import stop_requested
from payments.accounting import kinds as _kinds  # noqa: F401  # declares the kinds
from payments.charges import calls as charges
from payments.erasure import forget_backer
from payments.gateway.guards import refuse_other_mode
from payments.gateway.registry import register_calls
from payments.gateway.runtime import bind_runtime
from payments.health import money_vitals
from payments.jobs import register_jobs
from payments.longest_times import LONGEST_TIMES
from payments.owners import calls as owners
from payments.port import BoundPayments
from payments.refunds import calls as refunds
from payments.settings import StripeSettings, demand_fit_for_money
from payments.settlement.resource import Money
from payments.webhooks import pages as webhook_pages


def register(app: Flask) -> None:
    """Add the webhook inbox and the jobs of the money side, and bind the port of campaigns.

    Raises ``ConfigError`` on the books of the other mode, test or live, and where real money would
    move on a site that is set up as a demo.
    """
    demand_fit_for_money(app.extensions["octo.runtime"].settings)
    with app.app_context():
        refuse_other_mode(app.extensions["octo.runtime"].settings)
    register_calls(*charges.CALLS, *refunds.CALLS, *owners.CALLS)
    runtime = bind_runtime(app)
    bind_payments(
        app, BoundPayments(gateway=runtime.gateway, settings=runtime.settings, clock=runtime.clock)
    )
    allow_form_targets(app, *runtime.settings.of(StripeSettings).pages)
    bind_resource(app, Money(settings=runtime.settings, clock=runtime.clock))
    app.register_blueprint(webhook_pages.blueprint)
    register_eraser(app, forget_backer)
    register_jobs(app, runtime, should_stop=stop_requested)
    register_vitals(app, money_vitals(runtime.settings))
    register_longest_times(app, LONGEST_TIMES)
