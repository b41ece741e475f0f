"""Refunds and settlement documents in the API."""

from http import HTTPStatus

from flask_login import current_user

from octo.errors import N_
from octo.paging import Page, Window
from octo.web.fields import KeySchema
from octo.web.permissions import requires
from octo.web.routes import ApiBlueprint
from payments.gateway.runtime import payments_runtime
from payments.models import Refund, Settlement
from payments.policy import ContestedError, RefundTooLargeError
from payments.refunds import requests
from payments.refunds.requests import ActionReusedError
from treasury import queries
from treasury.permissions import READ_BOOKS, REFUND_PAYMENTS
from treasury.schemas import (
    RefundCreateSchema,
    RefundSchema,
    SettlementDocumentSchema,
    SettlementSchema,
    TroubledRefundSchema,
)

api = ApiBlueprint(
    N_("Settlements and refunds"),
    __name__,
    description=N_("For treasurers: settlement documents, and money given back by hand."),
)


@api.get("/settlements")
@requires(READ_BOOKS)
@api.paged(SettlementSchema)
def list_settlements(window: Window) -> Page[Settlement]:
    """List the settlement documents, the latest first."""
    return window.cut(queries.list_settlements(window=window))


@api.get("/settlements/<number>")
@requires(READ_BOOKS)
@api.response(HTTPStatus.OK, SettlementDocumentSchema)
def get_settlement(number: str) -> dict[str, object]:
    """Read one settlement document, and the transfer that pays it."""
    document, transfer = queries.get_settlement(number)
    return {"settlement": document, "transfer": transfer}


@api.post("/payments/<payment_id>/refunds")
@requires(REFUND_PAYMENTS)
@api.refuses(RefundTooLargeError, ContestedError, ActionReusedError)
@api.arguments(KeySchema, location="headers")
@api.arguments(RefundCreateSchema, example={"amount": 2000})
@api.response(HTTPStatus.CREATED, RefundSchema)
def create_refund(headers: dict[str, str], body: dict[str, int], payment_id: str) -> Refund:
    """Give back an amount of one payment; the worker sends it, and the status follows Stripe's."""
    runtime = payments_runtime()
    return requests.refund_by_treasurer(
        payment_id,
        amount=body["amount"],
        action_key=f"{payment_id}:{headers['idempotency_key']}",
        actor=current_user.public_id,
        settings=runtime.settings,
        clock=runtime.clock,
    )


@api.get("/treasury/refunds")
@requires(READ_BOOKS)
@api.paged(TroubledRefundSchema)
def list_troubled_refunds(window: Window) -> Page[Refund]:
    """List the refunds that failed: their money is owed to backers."""
    return window.cut(queries.list_troubled_refunds(window=window))
