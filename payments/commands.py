"""The treasury's commands: check the ledger, compare it with Stripe, export statements."""

import json
import sys

import click
from flask import Flask
from flask.cli import AppGroup

from octo.database import reading
from payments.ledger.check import check_ledger

ledger_commands = AppGroup("ledger", help="Look after the ledger.")


def register_commands(app: Flask) -> None:
    """Add the treasury's commands to the app."""
    app.cli.add_command(ledger_commands)


@ledger_commands.command("check")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def check(*, as_json: bool) -> None:
    """Recompute the whole ledger; exit 1 and name every fault found."""
    with reading() as session:
        report = check_ledger(session)
    if as_json:
        click.echo(json.dumps(report.as_json()))
    else:
        for fault in report.faults:
            click.echo(f"{fault.rule}: {fault.subject}: {fault.what}")
        click.echo(report.summary())
    sys.exit(1 if report.faults else 0)
