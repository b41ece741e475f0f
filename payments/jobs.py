"""The jobs of the money side, in the order in which one feeds the next."""

from collections.abc import Callable

from flask import Flask

from octo.database import reading
from octo.scheduler import Job, JobReport, register_job
from payments.gateway.attempts import count_open
from payments.ledger.balances import fold_balances
from payments.runtime import PaymentsRuntime
from payments.services.abandoned import end_abandoned_pledges
from payments.settlement.closing import close_due_campaigns
from payments.settlement.engine import Engine
from payments.settlement.paying import move_settling_campaigns
from payments.webhooks.inbox import handle_inbox
from payments.webhooks.polling import poll_events


def register_jobs(app: Flask, runtime: PaymentsRuntime, *, should_stop: Callable[[], bool]) -> None:
    """Give the worker the jobs that move money; each may run on any number of workers."""
    gateway, settings, clock = runtime.gateway, runtime.settings, runtime.clock

    def send_attempts() -> JobReport:
        done = Engine(gateway, settings, clock, should_stop).run()
        return JobReport(done=done, waiting=_open_calls())

    def take_in_events() -> JobReport:
        return handle_inbox(gateway=gateway, settings=settings, clock=clock)

    def close_campaigns() -> JobReport:
        return close_due_campaigns(gateway=gateway, settings=settings, clock=clock)

    def settle_campaigns() -> JobReport:
        return move_settling_campaigns(gateway=gateway, settings=settings, clock=clock)

    def end_abandoned() -> JobReport:
        return end_abandoned_pledges(gateway=gateway, settings=settings, clock=clock)

    def poll() -> JobReport:
        return poll_events(gateway=gateway, clock=clock)

    for job in (
        Job("close_campaigns", close_campaigns, every_seconds=2),
        Job("settle_campaigns", settle_campaigns, every_seconds=2),
        Job("send_attempts", send_attempts, every_seconds=1),
        Job("take_in_events", take_in_events, every_seconds=1),
        Job("end_abandoned_pledges", end_abandoned, every_seconds=30),
        Job("poll_events", poll, every_seconds=60),
        Job("fold_balances", fold_balances_job, every_seconds=60),
    ):
        register_job(app, job)


def _open_calls() -> list[str]:
    with reading() as session:
        opened, frozen = count_open(session)
    waiting = []
    if frozen:
        waiting.append(f"{frozen} calls of frozen campaigns")
    if opened > frozen:
        waiting.append(f"{opened - frozen} calls whose outcome is not known yet")
    return waiting


def fold_balances_job() -> JobReport:
    """Move the checkpoints of the ledger's balances on."""
    return JobReport(done=fold_balances())
