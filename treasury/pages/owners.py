"""What an owner reads of the money: the settlements, credit notes, transfers, debts, statement.

The figures are those of the treasury's own pages, from the same queries and templates.
"""

from itertools import islice

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from campaigns.queries import get_own_campaign
from octo.accounts.current_user import this_user
from octo.paging import Window
from octo.web.navigation import asked_page
from octo.web.permissions import requires
from payments.gateway.runtime import payments_runtime
from treasury import after_verdict, queries
from treasury.pages.books import ROWS_ON_SCREEN
from treasury.permissions import READ_OWN_BOOKS
from treasury.statements import statement
from treasury.statements.delimited import EXCEL, PROFILES

blueprint = Blueprint("owner_books", __name__, url_prefix="/owner")


@blueprint.get("/campaigns/<campaign_id>/documents")
@requires(READ_OWN_BOOKS)
def campaign(campaign_id: str) -> ResponseReturnValue:
    """List the documents of a campaign, what paid them, and what its owner owes."""
    found = get_own_campaign(campaign_id, user=this_user(), permission=READ_OWN_BOOKS)
    return render_template(
        "treasury/owner_documents.html",
        campaign=found,
        after=after_verdict.read_after_verdict(found.id, at=payments_runtime().clock.now()),
    )


@blueprint.get("/documents/<number>")
@requires(READ_OWN_BOOKS)
def settlement(number: str) -> ResponseReturnValue:
    """Show a settlement or credit note with the lines behind it."""
    found, transfer = queries.get_settlement(number)
    get_own_campaign(found.campaign.public_id, user=this_user(), permission=READ_OWN_BOOKS)
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
@requires(READ_OWN_BOOKS)
def statement_csv(campaign_id: str) -> ResponseReturnValue:
    """Export the statement of a campaign, for a French Excel or for a machine."""
    found = get_own_campaign(campaign_id, user=this_user(), permission=READ_OWN_BOOKS)
    profile = PROFILES.get(request.args.get("profile", ""), EXCEL)
    name = f"{found.slug}-{'releve' if profile is EXCEL else 'statement'}.csv"
    return Response(
        stream_with_context(statement.write_statement(found.id, profile, translate=_)),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
