"""The platform's own commands: the database's schema, and the worker."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
from alembic.util import CommandError
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from octo import schema
from octo.command_line import json_option, printing_refusals
from octo.errors import ConfigError
from octo.scheduler import start_checks
from octo.worker import draining_on_signals, run_due, run_worker

EXIT_BAD_USE: Final = 2
EXIT_WAITING: Final = 3

db_commands = AppGroup("db", help="Bring the database's schema up, down, or check it.")


def register(app: Flask) -> None:
    """Add the platform's commands to the app."""
    app.cli.add_command(db_commands)
    app.cli.add_command(worker)


@db_commands.command("upgrade")
@click.argument("revision", default="head")
@json_option
@printing_refusals
def upgrade(revision: str, *, as_json: bool) -> None:
    """Apply the migrations, up to REVISION or to the newest."""
    with _known_revision():
        schema.upgrade(revision)
    _tell_revision(as_json=as_json)


@db_commands.command("downgrade")
@click.argument("revision", default="-1")
@json_option
@printing_refusals
def downgrade(revision: str, *, as_json: bool) -> None:
    """Undo the last migration, or all after REVISION (`base`: all)."""
    with _known_revision():
        schema.downgrade(revision)
    _tell_revision(as_json=as_json)


@db_commands.command("check")
@json_option
@printing_refusals
def check(*, as_json: bool) -> None:
    """Compare the database with the models and the triggers; exit 1 on any difference."""
    differences = schema.drift()
    if as_json:
        click.echo(json.dumps({"differences": differences}))
    else:
        for difference in differences:
            click.echo(difference)
        click.echo(f"{len(differences)} differences")
    sys.exit(1 if differences else 0)


@db_commands.command("revision")
@click.argument("message")
def revision(message: str) -> None:
    """Write the next migration from what differs, for its author to read and mend."""
    schema.write_revision(message)


@click.command("worker")
@click.option("--once", is_flag=True, help="Do all that is due now, then stop.")
@click.option("--json", "as_json", is_flag=True, help="With --once, answer in JSON.")
@with_appcontext
@printing_refusals
def worker(*, once: bool, as_json: bool) -> None:
    """Close, settle, refund, pay and mail when it is due, until SIGTERM.

    With --once: exit 0 when nothing is left to do, 3 when something must wait.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    _check_start(app)
    if not once:
        run_worker(app)
        return
    with draining_on_signals():
        due = run_due(app)
    if as_json:
        click.echo(json.dumps({"done": due.done, "waiting": due.waiting}))
    else:
        click.echo(f"{due.done} done, {len(due.waiting)} waiting")
        for reason in due.waiting:
            click.echo(f"waits: {reason}")
    sys.exit(EXIT_WAITING if due.waiting else 0)


def _check_start(app: Flask) -> None:
    try:
        for check in start_checks(app):
            check()
    except ConfigError as error:
        click.echo(f"octo: {error}", err=True)
        sys.exit(EXIT_BAD_USE)


@contextmanager
def _known_revision() -> Iterator[None]:
    """Call a revision that no migration has a bad use."""
    try:
        yield
    except CommandError as error:
        raise click.BadParameter(str(error), param_hint="REVISION") from error


def _tell_revision(*, as_json: bool) -> None:
    revision = schema.current_revision()
    if as_json:
        click.echo(json.dumps({"revision": revision}))
    else:
        click.echo(f"The database is at {revision or 'nothing'}.")
