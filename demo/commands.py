"""``flask demo load``, ``flask demo advance 45d``, ``flask demo verify``, ``flask sandbox``."""

import dataclasses
import json
import logging
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import click
import structlog
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from demo.instants import BadInstantError, parse_span
from demo.loading import Progress as Step
from demo.loading import advance, load
from demo.sandbox import sandbox_of
from demo.settings import LAST_PORT
from demo.stagehands import stagehands
from demo.verification import verify_season
from octo.command_line import EXIT_WRONG, json_option, printing_refusals
from octo.runtime import runtime
from payments.settings import StripeSettings
from stripe_sandbox.server import main as run_sandbox

demo_commands = AppGroup("demo", help="Play the demo's season, move its time, check its money.")


def register_commands(app: Flask) -> None:
    """Add the demo's commands to the app."""
    app.cli.add_command(demo_commands)
    app.cli.add_command(sandbox_command)


class Span(click.ParamType["timedelta"]):
    """A span of time such as 45d, 12h or 30m."""

    name = "span"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read what was typed, or fail with how to write it."""
        if isinstance(value, timedelta):
            return value
        try:
            return parse_span(str(value))
        except BadInstantError as error:
            self.fail(str(error), param, ctx)


@demo_commands.command("load")
@json_option
@printing_refusals
def load_command(*, as_json: bool) -> None:
    """Play the season, unless it was played; one that was cut short begins anew."""
    steps, seconds, _ = _follow(load(stagehands()), "Loading the demo", as_json=as_json)
    if as_json:
        click.echo(json.dumps({"played": steps > 0, "seconds": seconds}))
    elif steps:
        click.echo(f"The demo is loaded, in {seconds:.0f} s.")
    else:
        click.echo("The demo is loaded already.")


@demo_commands.command("advance")
@click.argument("span", type=Span())
@json_option
@printing_refusals
def advance_command(span: timedelta, *, as_json: bool) -> None:
    """Move time on by SPAN (45d, 12h, 30m), through every due event in order."""
    steps, seconds, at = _follow(advance(stagehands(), by=span), "Time passes", as_json=as_json)
    if as_json:
        arrived = at.isoformat() if at else None
        click.echo(json.dumps({"now": arrived, "events": steps - 1, "seconds": seconds}))
    else:
        click.echo(f"It is now {at:%Y-%m-%d %H:%M} UTC; {steps - 1} due instants passed.")


@demo_commands.command("verify")
@json_option
@printing_refusals
def verify_command(*, as_json: bool) -> None:
    """Check in the sandbox's own lists that every cent moved once, and none besides."""
    with sandbox_of(runtime().settings.of(StripeSettings)) as sandbox:
        verdict = verify_season(sandbox)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(verdict), ensure_ascii=False))
    else:
        for problem in verdict.problems:
            click.echo(problem)
        click.echo(
            f"{verdict.charges} charges, {verdict.refunds} refunds, {verdict.transfers} transfers, "
            f"{verdict.settlements} settlements: {len(verdict.problems)} problems"
        )
    sys.exit(EXIT_WRONG if verdict.problems else 0)


@click.command("sandbox")
@click.option(
    "--port",
    type=click.IntRange(1, LAST_PORT),
    default=8001,
    envvar="SANDBOX_PORT",
    show_default=True,
)
@with_appcontext
def sandbox_command(*, port: int) -> None:
    """Run the Stripe sandbox alone, until it is told to stop."""
    path = runtime().settings.instance_path / "sandbox"
    sys.exit(run_sandbox(["--port", str(port), "--path", str(path)]))


def _follow(
    steps: Iterator[Step], title: str, *, as_json: bool
) -> tuple[int, float, datetime | None]:
    """Go through all steps, with a bar on a terminal; return how many, how long, and the last."""
    console = Console(stderr=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    began = time.monotonic()
    count, at = 0, None
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[at]}"),
        TimeElapsedColumn(),
        console=console,
        disable=as_json or not console.is_terminal,
    ) as bar:
        task = bar.add_task(title, total=None, at="")
        for step in steps:
            count, at = count + 1, step.at
            bar.update(task, total=step.total, completed=step.done, at=f"{step.at:%d/%m/%Y}")
    return count, round(time.monotonic() - began, 1), at
