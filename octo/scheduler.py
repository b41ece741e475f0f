"""The jobs that time drives, and the worker that ticks them.

APScheduler is only the clock: what a job does is claimed from the database, so any number
of workers may tick the same job at the same second.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask


@dataclass(frozen=True)
class JobReport:
    """What one run of a job did, and what had to wait and why.

    A reason is one plain sentence: of what (a campaign by its slug), for what, until when.
    ``is_away`` says that something outside did not answer: the worker then leaves this job
    alone for a while, so that whoever comes back is not run over.
    """

    done: int = 0
    waiting: list[str] = field(default_factory=list)
    is_away: bool = False


@dataclass(frozen=True)
class Job:
    """A scheduled function with a name; safe to run twice and at the same time."""

    name: str
    run: Callable[[], JobReport]
    every_seconds: float


def register_job(app: Flask, job: Job) -> None:
    """Give the worker one more job to tick."""
    registered = jobs(app)
    assert job.name not in registered, f"job {job.name} is registered twice"
    registered[job.name] = job


def jobs(app: Flask) -> dict[str, Job]:
    """Return the jobs of this app by name, in the order in which they were registered."""
    known: dict[str, Job] = app.extensions.setdefault("octo.jobs", {})
    return known


def register_start_check(app: Flask, check: Callable[[], None]) -> None:
    """Have a worker ask this before it starts; a ``ConfigError`` stops it with one line."""
    start_checks(app).append(check)


def start_checks(app: Flask) -> list[Callable[[], None]]:
    """Return what a worker asks before it starts."""
    known: list[Callable[[], None]] = app.extensions.setdefault("octo.start_checks", [])
    return known
