"""Structured logs on standard error: one line an event, no name, e-mail or message in it."""

import logging
import sys

import structlog


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
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
