"""``flask settle --rehearse``: what tonight would look like, for a person or a script."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

import click
from babel.dates import format_datetime
from flask.cli import with_appcontext
from flask_babel import force_locale, gettext
from rich.console import Console
from rich.table import Table

from campaigns.models import Outcome
from campaigns.policy.verdict import Step
from campaigns.resources import bound_resources
from octo.command_line import EXIT_WRONG, json_option, printing_refusals
from octo.errors import N_
from octo.money import format_amount
from octo.web.language import DEFAULT_LANGUAGE, LANGUAGES
from payments.gateway.runtime import payments_runtime
from payments.models import Block
from treasury.rehearsal import Amounts, CampaignPlan, Rehearsal, rehearse

WIDTH_OF_A_FILE: Final = 160
_OUTCOMES: Final = {
    Outcome.SUCCEEDED: N_("Goal reached"),
    Outcome.FAILED: N_("Goal missed"),
    Outcome.CANCELED: N_("Canceled"),
}
_TROUBLES: Final = {
    "frozen": N_("its money is frozen until a treasurer has looked"),
    "books_differ": N_("Stripe and the ledger differ about it"),
    "refund_failed": N_("refunds failed, and are owed to their backers"),
    "owner_not_ready": N_("its owner cannot be paid yet: onboarding at Stripe is not done"),
}
_WAITS: Final = {
    Block.FUNDS: N_("once the funds are available"),
    Block.BALANCE: N_("once the balance covers it and the refunds due"),
    Block.OWNER: N_("once the owner is ready"),
}


@click.command("settle")
@click.argument("slugs", nargs=-1, metavar="[SLUG]…")
@click.option("--rehearse", "is_rehearsal", is_flag=True, help="Say what would happen; do nothing.")
@json_option
@with_appcontext
@printing_refusals
def settle_command(slugs: tuple[str, ...], *, is_rehearsal: bool, as_json: bool) -> None:
    """Show what would happen to the money of the campaigns that are due, or of those named.

    Exits 1 when something stands in the way. Settling itself is the worker's work.
    """
    if not is_rehearsal:
        raise click.UsageError("the worker settles; add --rehearse to see what it would do")
    runtime = payments_runtime()
    rehearsal = rehearse(
        slugs,
        resources=bound_resources(),
        gateway=runtime.gateway,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    if as_json:
        click.echo(json.dumps(as_plain(rehearsal), ensure_ascii=False))
    else:
        language = language_of(os.environ)
        zone = ZoneInfo(runtime.settings.time_zone)
        with force_locale(language):
            _show(rehearsal, language=language, zone=zone)
    sys.exit(0 if rehearsal.is_well else EXIT_WRONG)


def language_of(environ: Any) -> str:
    """Return the language of a terminal, French where its environment names none of ours."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        written = environ.get(name, "")
        if written:
            spoken = written.split("_")[0].split(".")[0].lower()
            return spoken if spoken in LANGUAGES else DEFAULT_LANGUAGE
    return DEFAULT_LANGUAGE


def as_plain(rehearsal: Rehearsal) -> dict[str, Any]:
    """Return a rehearsal as JSON can carry it; amounts in minor units, instants in UTC."""
    report = asdict(rehearsal) | {
        "float_amount": rehearsal.float_amount,
        "missing_amount": rehearsal.missing_amount,
        "is_well": rehearsal.is_well,
    }
    plain: dict[str, Any] = json.loads(json.dumps(report, default=_plain))
    return plain


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    assert isinstance(value, StrEnum), f"{value!r} has no plain form"
    return value.value


def _show(rehearsal: Rehearsal, *, language: str, zone: ZoneInfo) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
    if rehearsal.campaigns:
        console.print(_table(rehearsal, language))
    else:
        console.print(gettext("No campaign is due or settling."))
    for plan in rehearsal.campaigns:
        for line in _notes(plan, language=language, zone=zone):
            console.print(f"{plan.slug}: {line}", soft_wrap=True)
    for line in _totals(rehearsal, language=language):
        console.print(line, soft_wrap=True)


def _table(rehearsal: Rehearsal, language: str) -> Table:
    table = Table(header_style="bold")
    table.add_column(gettext("Campaign"), overflow="fold", min_width=12)
    table.add_column(gettext("Verdict"), no_wrap=True)
    for title in (
        gettext("Charges"),
        gettext("Refunds"),
        gettext("To the owner"),
        gettext("Fee"),
        gettext("VAT"),
        gettext("Float needed"),
    ):
        table.add_column(title, justify="right", no_wrap=True)
    for plan in rehearsal.campaigns:

        def money(amount: int, currency: str = plan.currency) -> str:
            return format_amount(amount, currency, language) if amount else "–"

        table.add_row(
            plan.slug,
            _verdict(plan),
            _counted(plan.charges, plan.currency, language),
            _counted(plan.refunds, plan.currency, language),
            money(plan.transfer.amount if plan.transfer else 0),
            money(plan.figures.fee_amount),
            money(plan.figures.vat_amount),
            money(plan.float_amount),
        )
    return table


def _verdict(plan: CampaignPlan) -> str:
    if plan.outcome is None:
        return str(gettext("Not yet"))
    return str(gettext(_OUTCOMES[plan.outcome]))


def _counted(amounts: Amounts, currency: str, language: str) -> str:
    if not amounts.count:
        return "–"
    return f"{amounts.count} · {format_amount(amounts.amount, currency, language)}"


def _notes(plan: CampaignPlan, *, language: str, zone: ZoneInfo) -> Iterator[str]:
    """Say of one campaign what a table cannot."""

    def money(amount: int) -> str:
        return format_amount(amount, plan.currency, language)

    if plan.shortfall_amount:
        yield gettext("%(amount)s are missing of the goal", amount=money(plan.shortfall_amount))
    if plan.in_flight_count:
        yield gettext(
            "payments in flight are seen to their end first, and may change this: %(count)s",
            count=plan.in_flight_count,
        )
    if plan.step is Step.COLLECT or plan.charges.count:
        yield gettext("cards that are declined can be repaired before it is judged again")
    if plan.step is Step.SETTLE:
        yield gettext(
            "Stripe kept %(fees)s of its payments, borne by the platform",
            fees=money(plan.processor_fees_amount),
        )
    if plan.transfer is not None:
        yield _transfer_line(plan, money(plan.transfer.amount), language=language, zone=zone)
    for trouble in plan.troubles:
        yield f"! {gettext(_TROUBLES[trouble])}"


def _transfer_line(plan: CampaignPlan, amount: str, *, language: str, zone: ZoneInfo) -> str:
    assert plan.transfer is not None
    account = plan.transfer.stripe_account_id or "–"
    if plan.transfer.waits_for is None:
        return str(gettext("%(amount)s leave for %(account)s now", amount=amount, account=account))
    line = gettext(
        "%(amount)s leave for %(account)s %(when)s",
        amount=amount,
        account=account,
        when=gettext(_WAITS[plan.transfer.waits_for]),
    )
    if plan.transfer.waits_for is Block.FUNDS and plan.transfer.available_at:
        local = plan.transfer.available_at.astimezone(zone)
        return f"{line}: {format_datetime(local, format='short', locale=language)}"
    return str(line)


def _totals(rehearsal: Rehearsal, *, language: str) -> Iterator[str]:
    def money(amount: int) -> str:
        return format_amount(amount, rehearsal.currency, language)

    yield gettext(
        "Float needed in all: %(needed)s. Cover: %(cover)s.",
        needed=money(rehearsal.float_amount),
        cover=money(rehearsal.cover_amount),
    )
    if rehearsal.available_amount is not None:
        yield gettext("Available at Stripe: %(amount)s.", amount=money(rehearsal.available_amount))
    if rehearsal.is_stripe_away:
        yield "! " + gettext("Stripe does not answer: what it would say is not known.")
    if rehearsal.is_behind_stripe:
        yield "! " + gettext("The database is behind Stripe: no money moves.")
    if rehearsal.missing_amount:
        yield "! " + gettext(
            "The float is short: top the Stripe balance up with %(amount)s at least.",
            amount=money(rehearsal.missing_amount),
        )
