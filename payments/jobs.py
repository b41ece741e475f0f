"""The jobs of the money side, in the order in which one feeds the next."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from flask import Flask

from campaigns.resources import resources_of
from octo.errors import ConfigError
from octo.scheduler import Job, JobReport, register_job, register_start_check
from payments.blocked import describe_frozen, describe_open_calls
from payments.charges.abandoned import end_abandoned_pledges
from payments.gateway.client import StripeAwayError
from payments.gateway.engine import Engine
from payments.gateway.guards import OtherStripeError, require_own_stripe
from payments.gateway.runtime import PaymentsRuntime
from payments.health import note_contact
from payments.ledger.balances import fold_balances
from payments.models import BooksState
from payments.owners.polling import poll_owners
from payments.reconciliation.document_numbers import note_given_numbers
from payments.reconciliation.job import compare_if_due
from payments.reconciliation.run import invalidate_comparison, read_books_state
from payments.settlement.close import close_due_campaigns
from payments.settlement.collect import collect_campaigns
from payments.settlement.settle import move_settling_campaigns
from payments.webhooks.inbox import handle_inbox
from payments.webhooks.polling import poll_events

_WAITS: Final = {
    BooksState.UNCHECKED: "campaigns wait for the books to be compared with Stripe",
    BooksState.BEHIND_STRIPE: (
        "the database is behind Stripe: nothing moves before flask reconcile --import"
    ),
}


def register_jobs(app: Flask, runtime: PaymentsRuntime, *, should_stop: Callable[[], bool]) -> None:
    """Give the worker the jobs that move money; each may run on any number of workers."""
    gateway, settings, clock = runtime.gateway, runtime.settings, runtime.clock
    given: dict[str, Any] = {"gateway": gateway, "settings": settings, "clock": clock}
    judging: dict[str, Any] = {"resources": resources_of(app), **given}
    noting: dict[str, Any] = {"gateway": gateway, "settings": settings}
    began = _Once(invalidate_comparison)
    engine = Engine(gateway, settings, clock, should_stop)

    def send_attempts() -> JobReport:
        done = engine.run()
        return JobReport(done=done, waiting=[*describe_frozen(), *describe_open_calls(clock)])

    def compare_books() -> JobReport:
        began()
        return compare_if_due(**given)

    def poll() -> JobReport:
        report = poll_events(gateway=gateway, clock=clock)
        note_contact(clock, is_answering=not report.is_away)
        return report

    def on_current_books(
        run: Callable[..., JobReport], **arguments: Any
    ) -> Callable[[], JobReport]:
        return partial(_run_on_current_books, began, partial(run, **arguments))

    for job in (
        Job("compare_books", compare_books, every_seconds=1),
        Job("poll_events", poll, every_seconds=60),
        Job("poll_owners", partial(poll_owners, gateway=gateway, clock=clock), every_seconds=30),
        Job("handle_inbox", on_current_books(handle_inbox, **given), every_seconds=1),
        Job("close_campaigns", on_current_books(close_due_campaigns, **judging), every_seconds=1),
        Job("collect_campaigns", on_current_books(collect_campaigns, **judging), every_seconds=1),
        Job("settle_campaigns", on_current_books(move_settling_campaigns, **given), 1),
        Job("note_numbers", on_current_books(note_given_numbers, **noting), every_seconds=1),
        Job("send_attempts", on_current_books(send_attempts), every_seconds=1),
        Job("end_abandoned_pledges", on_current_books(end_abandoned_pledges, **given), 30),
        Job("fold_balances", fold_balances_job, every_seconds=60),
    ):
        register_job(app, job)
    register_start_check(app, partial(_check_stripe, runtime))


def _run_on_current_books(began: "_Once", run: Callable[[], JobReport]) -> JobReport:
    """Leave a job alone while nobody knows that these books are all there is."""
    began()
    state = read_books_state()
    if state is BooksState.CURRENT:
        return run()
    return JobReport(waiting=[_WAITS[state]])


def _check_stripe(runtime: PaymentsRuntime) -> None:
    """Refuse to start on another Stripe account; while Stripe is away it is asked later."""
    try:
        require_own_stripe(runtime.gateway, settings=runtime.settings, clock=runtime.clock)
    except OtherStripeError as error:
        raise ConfigError(str(error)) from error
    except StripeAwayError:
        return


class _Once:
    """Do something when this process first calls, and never again; others wait for it."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._lock = threading.Lock()
        self._is_done = False

    def __call__(self) -> None:
        with self._lock:
            if not self._is_done:
                self._act()
                self._is_done = True


def fold_balances_job() -> JobReport:
    """Move the checkpoints of the ledger's balances on."""
    return JobReport(done=fold_balances())
