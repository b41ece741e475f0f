"""The treasury's commands: check the ledger, compare it with Stripe, export statements."""

import json
import sys
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from campaigns.commands import campaign_commands
from octo.command_line import json_option, printing_refusals
from octo.database import snapshot
from payments.accounting.check import check_ledger
from payments.gateway.runtime import payments_runtime
from payments.reconciliation.compare import reconcile
from payments.reconciliation.discrepancies import Comparison
from payments.reconciliation.restore import Import, import_forgotten
from payments.settlement import refund_all
from treasury.commands.rehearse import settle_command

ledger_commands = AppGroup("ledger", help="Look after the ledger.")


def register_commands(app: Flask) -> None:
    """Add the treasury's commands to the app."""
    app.cli.add_command(ledger_commands)
    app.cli.add_command(reconcile_command)
    app.cli.add_command(settle_command)


@ledger_commands.command("check")
@json_option
@printing_refusals
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
@click.option("--import", "is_import", is_flag=True, help="Bring back what a backup has forgotten.")
@click.option("--yes", "is_sure", is_flag=True, help="With --import, do not ask.")
@json_option
@with_appcontext
@printing_refusals
def reconcile_command(*, is_import: bool, is_sure: bool, as_json: bool) -> None:
    """Compare these books with Stripe, both ways; exit 1 and name every difference.

    On a database that is behind Stripe no money moves. --import lists what it has forgotten
    and, once confirmed, plays it again from Stripe's lists; then money moves again.
    """
    runtime = payments_runtime()
    given: dict[str, Any] = {
        "gateway": runtime.gateway,
        "settings": runtime.settings,
        "clock": runtime.clock,
    }
    comparison = reconcile(**given)
    imported = None
    if is_import and comparison.forgotten:
        _ask_to_import(comparison, is_sure=is_sure or as_json)
        imported = import_forgotten(**given)
        comparison = reconcile(**given)
    _tell_comparison(comparison, imported, as_json=as_json)
    sys.exit(1 if comparison.differences else 0)


def _ask_to_import(comparison: Comparison, *, is_sure: bool) -> None:
    """List what is forgotten, and go on only if whoever reads it says so."""
    if is_sure:
        return
    for one in comparison.forgotten:
        click.echo(f"{one.details['what']}: {one.subject}: {json.dumps(one.details['stripe'])}")
    click.confirm(
        f"Bring back these {len(comparison.forgotten)} and all that belongs to them?", abort=True
    )


def _tell_comparison(comparison: Comparison, imported: Import | None, *, as_json: bool) -> None:
    if as_json:
        report = comparison.as_json()
        if imported is not None:
            report["imported"] = imported.played
            report["not_imported"] = imported.failed
            report["lost_numbers"] = imported.lost_numbers
        click.echo(json.dumps(report))
        return
    if imported is not None:
        click.echo(f"{len(imported.played)} brought back")
        for name, why in imported.failed.items():
            click.echo(f"{name} could not be brought back: {why}")
        for number in imported.lost_numbers:
            click.echo(f"{number} was given to a document that is lost: it is not given again")
    for one in comparison.differences:
        click.echo(f"{one.kind}: {one.subject}: {json.dumps(one.details, sort_keys=True)}")
    click.echo(comparison.summary())


@campaign_commands.command("refund-all")
@click.argument("slug")
@click.option("--reason", required=True, help="Why; it is kept in the audit trail.")
@json_option
@printing_refusals
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
