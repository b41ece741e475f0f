"""``flask campaign``: campaigns from and to files, and how they stand."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import sqlalchemy as sa
from flask import Flask
from flask.cli import AppGroup

from campaigns import queries
from campaigns.deadline.outage import extend_for_outage, read_local
from campaigns.drafts import exchange
from campaigns.models import Campaign, CampaignStatus
from campaigns.settings import Rules
from octo.accounts.models import User
from octo.command_line import EmailAddress, json_option, printing_refusals
from octo.content.feature import storage
from octo.content.images import keep_image
from octo.database import reading
from octo.errors import N_, InvalidError, NotFoundError
from octo.money import format_amount
from octo.runtime import runtime

campaign_commands = AppGroup(
    "campaign", help="Bring campaigns in from files, write them out, list and extend them."
)


def register_commands(app: Flask) -> None:
    """Add the commands of campaigns to the app."""
    app.cli.add_command(campaign_commands)


def keep_cover(raw: bytes) -> str:
    """Keep the cover of a file among the pictures of the current app."""
    return keep_image(raw, storage(), field="cover.file")


@campaign_commands.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--owner",
    "email",
    required=True,
    type=EmailAddress(),
    help="E-mail of the person who will run it.",
)
@json_option
@printing_refusals
def import_command(path: Path, email: str, *, as_json: bool) -> None:
    """Make a draft of the campaign written in PATH (docs/campaign-format.md)."""
    found = runtime()
    campaign = exchange.import_campaign(
        path / "campaign.yaml" if path.is_dir() else path,
        owner=_get_user(email),
        keep_picture=keep_cover,
        clock=found.clock,
        rules=found.settings.of(Rules),
    )
    if as_json:
        click.echo(json.dumps({"id": campaign.public_id, "slug": campaign.slug}))
    else:
        click.echo(f"{campaign.slug} is imported, as a draft of {campaign.organisation.name}.")


@campaign_commands.command("export")
@click.argument("slug")
@click.option(
    "--to",
    "folder",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the campaign's own folder is made; here by default.",
)
@json_option
@printing_refusals
def export_command(slug: str, folder: Path, *, as_json: bool) -> None:
    """Write the campaign SLUG as a folder of its name."""
    target = exchange.export_campaign(slug, folder=folder, read_picture=storage().read)
    if as_json:
        click.echo(json.dumps({"folder": str(target)}))
    else:
        click.echo(f"{slug} is written to {target}.")


@campaign_commands.command("list")
@click.option("--status", type=click.Choice([status.value for status in CampaignStatus]))
@json_option
@printing_refusals
def list_command(*, status: str | None, as_json: bool) -> None:
    """List the campaigns, the newest first."""
    campaigns = queries.list_all_campaigns(CampaignStatus(status) if status else None)
    if as_json:
        click.echo(json.dumps([_described(campaign) for campaign in campaigns]))
        return
    for campaign in campaigns:
        click.echo(f"{campaign.slug:40} {_status_of(campaign):20} {_amounts(campaign)}")


@campaign_commands.command("show")
@click.argument("slug")
@json_option
@printing_refusals
def show_command(slug: str, *, as_json: bool) -> None:
    """Show how the campaign SLUG stands."""
    described = _described(queries.get_any_campaign(slug=slug))
    if as_json:
        click.echo(json.dumps(described))
        return
    for name, value in described.items():
        click.echo(f"{name:18} {'' if value is None else value}")


@campaign_commands.command("extend-for-outage")
@click.argument("slug")
@click.option(
    "--until", required=True, help="The new deadline, such as '2026-12-03 20:00', in its zone."
)
@click.option("--reason", required=True, help="Shown on the campaign's page and mailed.")
@json_option
@printing_refusals
def extend_for_outage_command(slug: str, *, until: str, reason: str, as_json: bool) -> None:
    """Give the campaign SLUG the time that an outage took from it, before its verdict."""
    found = runtime()
    campaign = queries.get_any_campaign(slug=slug)
    try:
        deadline_at = read_local(until, campaign.time_zone, field="until")
    except InvalidError as error:
        raise click.BadParameter(str(error), param_hint="--until") from error
    extended = extend_for_outage(
        campaign.public_id,
        until=deadline_at,
        reason=reason,
        actor=None,
        clock=found.clock,
        rules=found.settings.of(Rules),
    )
    if as_json:
        click.echo(json.dumps(_described(extended)))
    else:
        local = deadline_at.astimezone(ZoneInfo(extended.time_zone))
        shown = f"{local:%Y-%m-%d %H:%M %Z}"
        click.echo(f"{slug} now ends on {shown}; its page says so and its owner is told.")


def _status_of(campaign: Campaign) -> str:
    return f"{campaign.status} {campaign.outcome}" if campaign.outcome else str(campaign.status)


def _amounts(campaign: Campaign) -> str:
    pledged = format_amount(campaign.pledged_amount, campaign.currency, "en")
    goal = format_amount(campaign.goal_amount, campaign.currency, "en")
    return f"{pledged} of {goal}"


def _described(campaign: Campaign) -> dict[str, object]:
    deadline_at = campaign.deadline_at
    return {
        "id": campaign.public_id,
        "slug": campaign.slug,
        "title": campaign.title,
        "organisation": campaign.organisation.name,
        "status": campaign.status.value,
        "outcome": campaign.outcome.value if campaign.outcome else None,
        "currency": campaign.currency,
        "goal_amount": campaign.goal_amount,
        "pledged_amount": campaign.pledged_amount,
        "backers_count": campaign.backers_count,
        "supporters_count": campaign.supporters_count,
        "deadline_at": deadline_at.isoformat() if deadline_at else None,
    }


def _get_user(email: str) -> User:
    with reading() as session:
        user = session.scalars(sa.select(User).filter_by(email=email, erased_at=None)).one_or_none()
    if user is None:
        raise NotFoundError(N_("No account has this address."))
    return user
