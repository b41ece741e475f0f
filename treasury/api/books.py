"""The treasury in the API: what is owed to whom, and what became of each campaign's money."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from itertools import islice

from flask import Response, current_app, stream_with_context
from flask_babel import gettext

from octo.accounts.current_user import this_user
from octo.errors import N_, NotFoundError
from octo.health.vitals import Alert, read_vitals
from octo.paging import Page, Window
from octo.web.permissions import requires
from octo.web.routes import ApiBlueprint
from payments.gateway.runtime import payments_runtime
from payments.models import Discrepancy, Dispute, Payment
from payments.reconciliation import record
from payments.reconciliation.record import NotOpenError
from payments.settlement import unfreeze
from payments.settlement.unfreeze import NotFrozenError
from treasury import queries
from treasury.permissions import MOVE_MONEY, READ_BOOKS
from treasury.queries import CampaignMoney, LedgerLine
from treasury.schemas import (
    AlertSchema,
    CampaignMoneySchema,
    DiscrepancySchema,
    DisputeSchema,
    ExplanationSchema,
    LedgerLineSchema,
    MoneyReasonSchema,
    PaymentSchema,
    PositionSchema,
    ProfileSchema,
    StatementLineSchema,
    StatementTotalsSchema,
)
from treasury.statements import statement
from treasury.statements.delimited import PROFILES
from treasury.statements.statement import Amounts, Row

api = ApiBlueprint(
    N_("Treasury"),
    __name__,
    description=N_("For treasurers: what is owed to whom, ledger, statements, disputes."),
)


@api.get("/treasury/position")
@requires(READ_BOOKS)
@api.response(HTTPStatus.OK, PositionSchema)
def read_position() -> Mapping[str, object]:
    """Read where the platform's money stands, and what others are owed of it."""
    currency = payments_runtime().settings.currency
    position = queries.read_position(currency)
    return {**vars(position), "currency": currency}


@api.get("/treasury/campaigns")
@requires(READ_BOOKS)
@api.paged(CampaignMoneySchema)
def list_campaign_money(window: Window) -> Page[CampaignMoney]:
    """List every campaign that was launched with its money, the latest deadline first."""
    return window.cut(queries.list_campaign_money(window=window))


@api.get("/treasury/campaigns/<campaign_id>")
@requires(READ_BOOKS)
@api.response(HTTPStatus.OK, CampaignMoneySchema)
def get_campaign_money(campaign_id: str) -> CampaignMoney:
    """Read what became of one campaign's money."""
    return queries.get_campaign_money(campaign_id)


@api.get("/treasury/campaigns/<campaign_id>/ledger")
@requires(READ_BOOKS)
@api.paged(LedgerLineSchema)
def list_ledger(window: Window, campaign_id: str) -> Page[LedgerLine]:
    """List the ledger of one campaign, the newest transaction first."""
    return window.cut(queries.list_ledger(_id_of(campaign_id), window=window))


@api.get("/treasury/campaigns/<campaign_id>/payments")
@requires(READ_BOOKS)
@api.paged(PaymentSchema)
def list_payments(window: Window, campaign_id: str) -> Page[Payment]:
    """List the payments that one campaign received, the latest first."""
    return window.cut(queries.list_payments(_id_of(campaign_id), window=window))


@api.get("/treasury/campaigns/<campaign_id>/statement")
@requires(READ_BOOKS)
@api.paged(StatementLineSchema)
def list_statement(window: Window, campaign_id: str) -> Page[Row]:
    """List the lines of one campaign's statement, in the order in which things occurred."""
    rows = statement.read_rows(_id_of(campaign_id))
    return window.cut(list(islice(rows, window.offset, window.offset + window.size + 1)))


@api.get("/treasury/campaigns/<campaign_id>/statement-totals")
@requires(READ_BOOKS)
@api.response(HTTPStatus.OK, StatementTotalsSchema)
def read_statement_totals(campaign_id: str) -> Amounts:
    """Read what the lines of one campaign's statement add up to."""
    return statement.read_totals(_id_of(campaign_id))


@api.get("/treasury/campaigns/<campaign_id>/statement.csv")
@requires(READ_BOOKS)
@api.arguments(ProfileSchema, location="query")
@api.response(HTTPStatus.OK, {"type": "string"}, content_type="text/csv")
def export_statement(options: dict[str, str], campaign_id: str) -> Response:
    """Export one campaign's whole statement as CSV."""
    lines = statement.write_statement(
        _id_of(campaign_id), PROFILES[options["profile"]], translate=gettext
    )
    return Response(stream_with_context(lines), mimetype="text/csv")


@api.post("/treasury/campaigns/<campaign_id>/unfreezing")
@requires(MOVE_MONEY)
@api.refuses(NotFrozenError)
@api.arguments(MoneyReasonSchema)
@api.response(HTTPStatus.OK, CampaignMoneySchema)
def lift_freeze(body: dict[str, str], campaign_id: str) -> CampaignMoney:
    """Let the money of a frozen campaign move again, on the record."""
    runtime = payments_runtime()
    unfreeze.lift_freeze(
        campaign_id,
        reason=body["reason"],
        actor=this_user().public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )
    return queries.get_campaign_money(campaign_id)


@api.get("/treasury/alerts")
@requires(READ_BOOKS)
@api.response(HTTPStatus.OK, AlertSchema(many=True))
def list_alerts() -> Sequence[Alert]:
    """Read what a person must look at now, such as a refund that failed."""
    return read_vitals(current_app, payments_runtime().clock).alerts


@api.get("/treasury/disputes")
@requires(READ_BOOKS)
@api.paged(DisputeSchema)
def list_disputes(window: Window) -> Page[Dispute]:
    """List the payments that banks contest, the newest first."""
    return window.cut(queries.list_disputes(window=window))


@api.get("/treasury/discrepancies")
@requires(READ_BOOKS)
@api.paged(DiscrepancySchema)
def list_discrepancies(window: Window) -> Page[Discrepancy]:
    """List what differs between Stripe and the ledger, and is not explained."""
    return window.cut(queries.list_discrepancies(window=window))


@api.post("/treasury/explanations")
@requires(MOVE_MONEY)
@api.refuses(NotFoundError, NotOpenError)
@api.arguments(ExplanationSchema)
@api.response(HTTPStatus.OK, DiscrepancySchema)
def explain_discrepancy(body: dict[str, str]) -> Discrepancy:
    """Answer for a difference, on the record, so that its campaign's money may move again."""
    record.explain(
        body["kind"],
        body["subject"],
        reason=body["reason"],
        actor=this_user().public_id,
        clock=payments_runtime().clock,
    )
    return queries.get_discrepancy(body["kind"], body["subject"])


def _id_of(campaign_id: str) -> int:
    return queries.get_campaign_money(campaign_id).campaign.id
