"""The jobs of the money side, in the order in which one feeds the next."""

import threading
from collections.abc import Callable

from flask import Flask

from octo.scheduler import Job, JobReport, register_job
from payments.ledger.balances import fold_balances
from payments.reconciliation.job import compare_if_due
from payments.reconciliation.standing import distrust
from payments.runtime import PaymentsRuntime
from payments.services.abandoned import end_abandoned_pledges
from payments.settlement.closing import close_due_campaigns
from payments.settlement.collecting import collect_campaigns
from payments.settlement.engine import Engine
from payments.settlement.paying import move_settling_campaigns
from payments.waiting import describe_frozen, describe_open_calls
from payments.watch import note_contact
from payments.webhooks.inbox import handle_inbox
from payments.webhooks.polling import poll_events


def register_jobs(app: Flask, runtime: PaymentsRuntime, *, should_stop: Callable[[], bool]) -> None:
    """Give the worker the jobs that move money; each may run on any number of workers."""
    gateway, settings, clock = runtime.gateway, runtime.settings, runtime.clock

    began = _Once(distrust)
    engine = Engine(gateway, settings, clock, should_stop)

    def send_attempts() -> JobReport:
        began()
        done = engine.run()
        return JobReport(done=done, waiting=[*describe_frozen(), *describe_open_calls(clock)])

    def take_in_events() -> JobReport:
        return handle_inbox(gateway=gateway, settings=settings, clock=clock)

    def compare_books() -> JobReport:
        began()
        return compare_if_due(gateway=gateway, settings=settings, clock=clock)

    def close_campaigns() -> JobReport:
        return close_due_campaigns(gateway=gateway, settings=settings, clock=clock)

    def collect() -> JobReport:
        return collect_campaigns(gateway=gateway, settings=settings, clock=clock)

    def settle_campaigns() -> JobReport:
        return move_settling_campaigns(gateway=gateway, settings=settings, clock=clock)

    def end_abandoned() -> JobReport:
        return end_abandoned_pledges(gateway=gateway, settings=settings, clock=clock)

    def poll() -> JobReport:
        report = poll_events(gateway=gateway, clock=clock)
        note_contact(clock, is_answering=not report.is_away)
        return report

    for job in (
        Job("poll_events", poll, every_seconds=60),
        Job("take_in_events", take_in_events, every_seconds=1),
        Job("close_campaigns", close_campaigns, every_seconds=1),
        Job("collect_campaigns", collect, every_seconds=1),
        Job("settle_campaigns", settle_campaigns, every_seconds=1),
        Job("compare_books", compare_books, every_seconds=1),
        Job("send_attempts", send_attempts, every_seconds=1),
        Job("end_abandoned_pledges", end_abandoned, every_seconds=30),
        Job("fold_balances", fold_balances_job, every_seconds=60),
    ):
        register_job(app, job)


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
