"""What an owner reads of the money: the settlements, credit notes, transfers, debts, statement.

The figures are those of the treasury's own pages, from the same queries and templates.
"""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from campaigns.queries import get_own_campaign
from octo.accounts.current_user import this_user
from octo.web.permissions import requires
from payments.gateway.runtime import payments_runtime
from treasury import after_verdict, queries
from treasury.pages.books import export_statement, show_settlement
from treasury.permissions import READ_OWN_BOOKS

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
    return show_settlement(found, transfer)


@blueprint.get("/campaigns/<campaign_id>/statement.csv")
@requires(READ_OWN_BOOKS)
def statement_csv(campaign_id: str) -> ResponseReturnValue:
    """Export the statement of a campaign, for a French Excel or for a machine."""
    found = get_own_campaign(campaign_id, user=this_user(), permission=READ_OWN_BOOKS)
    return export_statement(found)
