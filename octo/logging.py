"""Structured logs on standard error: one line an event, no name, e-mail or message in it."""

import logging
import sys
from contextlib import suppress

import structlog


class PatientLogger:
    """Writes each event to standard error as it is then, and gives up a line that finds no room.

    A log on a full disk must not stop the money: what is lost is said by ``/alerts`` instead.
    """

    def msg(self, message: str) -> None:
        """Write one line."""
        with suppress(OSError):
            sys.stderr.write(f"{message}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = msg


def configure_logging(*, is_demo: bool) -> None:
    """Make logs readable in a demo and JSON elsewhere; safe to call twice."""
    renderer = (
        structlog.dev.ConsoleRenderer(colors=False)
        if is_demo
        else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: PatientLogger(),
        cache_logger_on_first_use=False,
    )
    # APScheduler warns, in lines of its own form, of each turn that a job still at work lets pass.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    # Waitress does so of each request that waits a moment for its thread.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
