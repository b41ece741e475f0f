"""The treasury: the platform's position, each campaign's money, statements and exports."""

from http import HTTPStatus
from itertools import islice
from typing import Final

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from campaigns.models import Campaign
from campaigns.ports import collecting_of
from octo.errors import N_
from octo.health.vitals import read_vitals
from octo.money import parse_amount
from octo.paging import Window
from octo.search import LONGEST_SEARCH
from octo.web.forms import flash_message, idempotency_key, shown_again_by
from octo.web.navigation import Link, Place, add_link, asked_page
from octo.web.permissions import requires
from payments.gateway.runtime import payments_runtime
from payments.models import RefundStatus, Settlement, Transfer
from payments.refunds import requests
from payments.settlement.unfreeze import lift_freeze
from treasury import after_verdict, labels, queries
from treasury.permissions import MOVE_MONEY, READ_BOOKS, REFUND_PAYMENTS
from treasury.queries import CampaignFilter
from treasury.statements import statement
from treasury.statements.delimited import EXCEL, PROFILES

blueprint = Blueprint("treasury", __name__, url_prefix="/treasury")

CAMPAIGNS_ON_SCREEN: Final = 20
ROWS_ON_SCREEN: Final = 25
_SHOWN_APART: Final = {"cover_below_zero", "books_differ"}


@blueprint.get("")
@requires(READ_BOOKS)
def overview() -> ResponseReturnValue:
    """Show where the money stands and what is owed to whom."""
    currency = payments_runtime().settings.currency
    alerts = read_vitals(current_app, payments_runtime().clock).alerts
    words = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    asked = request.args.get("filter", "")
    chosen = CampaignFilter(asked) if asked in set(CampaignFilter) else None
    window = Window(asked_page(), CAMPAIGNS_ON_SCREEN)
    found = queries.list_campaign_money(words=words, filter_by=chosen, window=window)
    return render_template(
        "treasury/overview.html",
        position=queries.read_position(currency),
        currency=currency,
        campaigns=window.cut(found),
        words=words,
        chosen_filter=chosen.value if chosen else "",
        filters=labels.filter_choices(),
        troubled=queries.list_troubled_refunds(),
        waiting=after_verdict.list_waiting_refunds(),
        debts=after_verdict.list_debts(),
        disputes=queries.list_disputes(),
        discrepancies=queries.list_discrepancies(),
        alerts=[one for one in alerts if one.code not in _SHOWN_APART],
    )


@blueprint.get("/campaigns/<campaign_id>")
@requires(READ_BOOKS)
def campaign(campaign_id: str) -> ResponseReturnValue:
    """Show one campaign's money: figures, payments and ledger."""
    money = queries.get_campaign_money(campaign_id)
    received = Window(asked_page("payments"), ROWS_ON_SCREEN)
    posted = Window(asked_page("ledger"), ROWS_ON_SCREEN)
    return render_template(
        "treasury/campaign.html",
        money=money,
        campaign=money.campaign,
        ledger=posted.cut(queries.list_ledger(money.campaign.id, window=posted)),
        payments=received.cut(queries.list_payments(money.campaign.id, window=received)),
        collecting=collecting_of(money.campaign),
        after=after_verdict.read_after_verdict(
            money.campaign.id, at=payments_runtime().clock.now()
        ),
    )


def _campaign_of_payment(campaign_id: str, payment_id: str) -> ResponseReturnValue:
    del payment_id
    return campaign(campaign_id)


@blueprint.post("/campaigns/<campaign_id>/unfreeze")
@requires(MOVE_MONEY)
@shown_again_by(campaign)
def unfreeze(campaign_id: str) -> ResponseReturnValue:
    """Let a frozen campaign's money move again."""
    runtime = payments_runtime()
    lift_freeze(
        campaign_id,
        reason=request.form.get("reason", ""),
        actor=current_user.public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    flash_message(_("The money of this campaign may move again."))
    return redirect(url_for(".campaign", campaign_id=campaign_id), HTTPStatus.SEE_OTHER)


@blueprint.post("/campaigns/<campaign_id>/payments/<payment_id>/refunds")
@requires(REFUND_PAYMENTS)
@shown_again_by(_campaign_of_payment)
def refund(campaign_id: str, payment_id: str) -> ResponseReturnValue:
    """Give back an amount of one payment."""
    runtime = payments_runtime()
    asked = requests.refund_by_treasurer(
        payment_id,
        amount=parse_amount(
            request.form.get("amount", ""),
            runtime.settings.currency,
            field=f"amount-{payment_id}",
        ),
        action_key=f"{payment_id}:{idempotency_key()}",
        actor=current_user.public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    if asked.status is RefundStatus.PENDING:
        flash_message(_("The refund is on its way."))
    else:
        flash_message(_("This form was sent before: nothing is asked twice."), "note")
    return redirect(url_for(".campaign", campaign_id=campaign_id), HTTPStatus.SEE_OTHER)


@blueprint.get("/settlements/<number>")
@requires(READ_BOOKS)
def settlement(number: str) -> ResponseReturnValue:
    """Show a settlement document with the lines behind it."""
    return show_settlement(*queries.get_settlement(number))


def show_settlement(found: Settlement, transfer: Transfer | None) -> ResponseReturnValue:
    """Show a settlement document, its transfer and its lines, to a treasurer or its owner."""
    window = Window(asked_page(), ROWS_ON_SCREEN)
    rows = statement.read_rows(found.campaign_id)
    return render_template(
        "treasury/settlement.html",
        settlement=found,
        transfer=transfer,
        rows=window.cut(list(islice(rows, window.offset, window.offset + window.size + 1))),
        totals=statement.read_totals(found.campaign_id),
    )


@blueprint.get("/campaigns/<campaign_id>/statement.csv")
@requires(READ_BOOKS)
def statement_csv(campaign_id: str) -> ResponseReturnValue:
    """Export a campaign's statement, for a French Excel or for a machine."""
    return export_statement(queries.get_campaign_money(campaign_id).campaign)


def export_statement(of: Campaign) -> ResponseReturnValue:
    """Export a campaign's statement in the profile that is asked for; 404 on one of no name."""
    profile = PROFILES.get(request.args.get("profile", EXCEL.name))
    if profile is None:
        abort(HTTPStatus.NOT_FOUND)
    name = f"{of.slug}-{'releve' if profile is EXCEL else 'statement'}.csv"
    return Response(
        stream_with_context(statement.write_statement(of.id, profile, translate=_)),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def register_pages(app: Flask) -> None:
    """Add the treasury's pages and its link for those who read the books."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals.update(
        account_name=labels.account_name,
        difference_name=labels.difference_name,
        dispute_name=labels.dispute_name,
        dispute_reason=labels.dispute_reason,
        dispute_stage=labels.dispute_stage,
        document_name=labels.document_name,
        event_name=labels.event_name,
        failure_reason=labels.failure_reason,
    )
    add_link(
        app,
        Link(
            N_("Treasury"),
            "treasury.overview",
            Place.WORK,
            order=60,
            permission=READ_BOOKS,
        ),
    )
