"""The treasury's commands: check the ledger, compare it with Stripe, export statements."""

import json
import sys

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from campaigns.commands import campaign_commands
from octo.command_line import json_option, told_refusals
from octo.database import snapshot
from payments.ledger.check import check_ledger
from payments.reconciliation.compare import reconcile
from payments.rehearsing import settle_command
from payments.runtime import payments_runtime
from payments.services import refund_all

ledger_commands = AppGroup("ledger", help="Look after the ledger.")


def register_commands(app: Flask) -> None:
    """Add the treasury's commands to the app."""
    app.cli.add_command(ledger_commands)
    app.cli.add_command(reconcile_command)
    app.cli.add_command(settle_command)


@ledger_commands.command("check")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def check(*, as_json: bool) -> None:
    """Recompute the whole ledger; exit 1 and name every fault found."""
    with snapshot() as session:
        report = check_ledger(session)
    if as_json:
        click.echo(json.dumps(report.as_json()))
    else:
        for fault in report.faults:
            click.echo(f"{fault.rule}: {fault.subject}: {fault.what}")
        click.echo(report.summary())
    sys.exit(1 if report.faults else 0)


@click.command("reconcile")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@with_appcontext
def reconcile_command(*, as_json: bool) -> None:
    """Compare Stripe's movements with the ledger's; exit 1 and name every difference."""
    runtime = payments_runtime()
    comparison = reconcile(gateway=runtime.gateway, settings=runtime.settings, clock=runtime.clock)
    if as_json:
        click.echo(json.dumps(comparison.as_json()))
    else:
        for one in comparison.differences:
            click.echo(f"{one.kind}: {one.subject}: {json.dumps(one.details, sort_keys=True)}")
        click.echo(comparison.summary())
    sys.exit(1 if comparison.differences else 0)


@campaign_commands.command("refund-all")
@click.argument("slug")
@click.option("--reason", required=True, help="Why; it is kept in the audit trail.")
@json_option
@told_refusals
def refund_all_command(slug: str, reason: str, *, as_json: bool) -> None:
    """Give everything back although SLUG succeeded, before any transfer; exit 1 once one left."""
    runtime = payments_runtime()
    campaign = refund_all.refund_all(
        slug=slug, reason=reason, actor="operator", settings=runtime.settings, clock=runtime.clock
    )
    if as_json:
        click.echo(json.dumps({"slug": campaign.slug, "outcome": campaign.outcome}))
    else:
        click.echo(f"{campaign.slug} has failed: every backer gets everything back.")
