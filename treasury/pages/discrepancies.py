"""Where these books differ from Stripe: both sides, what to do, and a person's explanation."""

from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from campaigns.permissions import MODERATE_CAMPAIGNS
from octo.permissions import may
from octo.web.forms import flash_message, shown_again_by
from octo.web.permissions import requires
from payments.gateway.runtime import payments_runtime
from payments.models import BooksState
from payments.reconciliation import record, run
from treasury import labels, queries
from treasury.permissions import MOVE_MONEY, READ_BOOKS

blueprint = Blueprint("discrepancies", __name__, url_prefix="/treasury/differences")


@blueprint.get("")
@requires(READ_BOOKS)
def index() -> ResponseReturnValue:
    """List what differs, what was explained, and when these books were compared."""
    return render_template(
        "treasury/discrepancies.html",
        found=queries.list_discrepancies(),
        explained=queries.list_explained(),
        compared=run.read_comparisons(),
    )


@blueprint.get("/one")
@requires(READ_BOOKS)
def one() -> ResponseReturnValue:
    """Show both sides of one difference, and what to do about it."""
    found = queries.get_discrepancy(*_asked())
    return render_template(
        "treasury/discrepancy.html",
        difference=found,
        sides=labels.sides_of(found.details),
        advice=labels.advice_on(found.kind),
    )


@blueprint.post("/one")
@requires(MOVE_MONEY)
@shown_again_by(one)
def explain() -> ResponseReturnValue:
    """Answer for a difference, so that its campaign's money may move again."""
    kind, subject = _asked()
    record.explain(
        kind,
        subject,
        reason=request.form.get("reason", ""),
        actor=current_user.public_id,
        clock=payments_runtime().clock,
    )
    flash_message(_("The difference is explained; money that waited for it may move again."))
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)


@blueprint.post("/comparison")
@requires(READ_BOOKS)
def compare() -> ResponseReturnValue:
    """Have everything compared anew by a worker."""
    run.want_whole()
    flash_message(_("A worker will compare everything with Stripe within the minute."))
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)


def tell_staff() -> str | None:
    """Say to whoever reads the books or moderates that a backup was put back."""
    staff = (READ_BOOKS, MODERATE_CAMPAIGNS)
    if not any(may(one, current_user) for one in staff):
        return None
    if run.read_books_state() is not BooksState.BEHIND_STRIPE:
        return None
    return str(
        _(
            "The database is behind Stripe: a backup was put back. Nothing moves and nobody can"
            " pledge until what it has forgotten is brought back (flask reconcile --import)."
        )
    )


def _asked() -> tuple[str, str]:
    return request.args.get("kind", ""), request.args.get("subject", "")
