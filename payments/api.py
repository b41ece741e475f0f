"""Refunds and settlements in the API, for those who keep the books."""

from collections.abc import Sequence
from http import HTTPStatus

from flask_smorest import Blueprint

from octo.web.permissions import Permission, requires
from payments import queries
from payments.models import Refund, Settlement
from payments.runtime import payments_runtime
from payments.schemas import ActionKeySchema, RefundCreateSchema, RefundSchema, SettlementSchema
from payments.services import refunds

api = Blueprint(
    "payments_api",
    __name__,
    url_prefix="/api/v1",
    description="Refunds and settlements. Amounts are in minor units.",
)


@api.post("/payments/<payment_id>/refunds")
@requires(Permission.REFUND_PAYMENTS)
@api.arguments(RefundCreateSchema)
@api.arguments(ActionKeySchema, location="headers")
@api.response(HTTPStatus.CREATED, RefundSchema)
def create_refund(body: dict[str, int], headers: dict[str, str], payment_id: str) -> Refund:
    """Give back an amount of one payment; the same Idempotency-Key gives it back once."""
    runtime = payments_runtime()
    return refunds.refund_by_treasurer(
        payment_id,
        amount=body["amount"],
        action_key=f"{payment_id}:{headers['idempotency_key']}",
        settings=runtime.settings,
        clock=runtime.clock,
    )


@api.get("/settlements")
@requires(Permission.READ_BOOKS)
@api.response(HTTPStatus.OK, SettlementSchema(many=True))
def list_settlements() -> Sequence[Settlement]:
    """Read every settlement document, the latest first."""
    return queries.list_settlements()


@api.get("/settlements/<number>")
@requires(Permission.READ_BOOKS)
@api.response(HTTPStatus.OK, SettlementSchema)
def get_settlement(number: str) -> Settlement:
    """Read one settlement document."""
    return queries.get_settlement(number)[0]
