"""Which events tell nothing new: of our own calls, once their outcome is written down.

Nothing is ever taken from a payload. It is only held against what we know: where the two differ,
or it says something nobody expects, Stripe is asked. What changes later has an event of its own.
"""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from octo.database import reading, sum_or_zero
from payments.ledger.models import StripeMovement
from payments.models import Payment, PaymentStatus, Refund, RefundStatus

_STATUSES: Final = {
    "pending": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def our_id_in(payload: Mapping[str, Any], name: str) -> str:
    """Return the id of ours that an event's object carries, empty when it carries none."""
    metadata = _object_of(payload).get("metadata")
    return str(metadata.get(name, "")) if isinstance(metadata, Mapping) else ""


def is_known_refund(payload: Mapping[str, Any]) -> bool:
    """Tell whether a refund stands here as an event shows it, with all that it moved."""
    seen = _object_of(payload)
    movements = {seen.get("balance_transaction"), seen.get("failure_balance_transaction")} - {None}
    with reading() as session:
        refund = session.scalars(
            sa.select(Refund).where(Refund.stripe_refund_id == str(seen.get("id")))
        ).one_or_none()
        return (
            refund is not None
            and refund.status is _STATUSES.get(str(seen.get("status")))
            and (refund.amount, refund.pending_reason)
            == (seen.get("amount"), seen.get("pending_reason"))
            and _count_movements(session, movements) == len(movements)
        )


def is_collected(which: sa.ColumnElement[bool]) -> bool:
    """Tell whether the collecting is known to its last word: the charge and its movement.

    Nothing more can be told by the checkout or its intent; what happens to the charge
    afterwards comes with events of its own.
    """
    with reading() as session:
        return session.scalar(_collected(which)) is not None


def is_known_charge(payload: Mapping[str, Any]) -> bool:
    """Tell whether a charge was collected, and given back as far as an event shows it.

    Each refund has events of its own, so the sum is enough; that it succeeded was before any.
    """
    seen = _object_of(payload)
    with reading() as session:
        payment_id = session.scalar(_collected(Payment.stripe_charge_id == str(seen.get("id"))))
        if payment_id is None or seen.get("status") != "succeeded":
            return False
        given_back = sa.select(sum_or_zero(Refund.amount)).where(
            Refund.payment_id == payment_id,
            Refund.stripe_refund_id.is_not(None),
            Refund.status != RefundStatus.FAILED,
        )
        is_first = payload.get("type") == "charge.succeeded"
        return is_first or seen.get("amount_refunded") == session.scalar(given_back)


def _collected(which: sa.ColumnElement[bool]) -> sa.Select[int]:
    return sa.select(Payment.id).where(
        which, Payment.status == PaymentStatus.SUCCEEDED, Payment.available_at.is_not(None)
    )


def _object_of(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    data = payload.get("data")
    carried = data.get("object") if isinstance(data, Mapping) else None
    return carried if isinstance(carried, Mapping) else {}


def _count_movements(session: Session, ids: set[Any]) -> int:
    known = StripeMovement.stripe_balance_transaction_id.in_([str(one) for one in ids])
    return session.scalar(sa.select(sa.func.count()).select_from(StripeMovement).where(known)) or 0
