"""The comparison as a job: what is new every few minutes, everything once a day."""

from octo.clock import Clock
from octo.config import Settings
from octo.scheduler import JobReport
from payments.gateway.client import Gateway, StripeAwayError
from payments.gateway.guards import OtherStripeError, require_own_stripe
from payments.reconciliation.compare import run_comparison
from payments.reconciliation.run import begin_if_due, give_up


def compare_if_due(*, gateway: Gateway, settings: Settings, clock: Clock) -> JobReport:
    """Compare the books with Stripe when it is due; money waits for it."""
    run = begin_if_due(clock=clock)
    if run is None:
        return JobReport()
    try:
        require_own_stripe(gateway, settings=settings, clock=clock)
        comparison = run_comparison(run, gateway=gateway, settings=settings, clock=clock)
    except (StripeAwayError, OtherStripeError) as error:
        give_up(run)
        return JobReport(waiting=[f"the comparison of the books: {error}"], is_away=True)
    waiting = [comparison.summary()] if comparison.differences else []
    return JobReport(done=1, waiting=waiting)
