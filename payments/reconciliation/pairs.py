"""Each of Stripe's lists beside the table of ours that should say the same.

What is compared is named here once, field by field; ``objects`` walks all pairs alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from campaigns.models import Campaign
from payments.models import (
    Attempt,
    AttemptStatus,
    Dispute,
    Document,
    Payment,
    PaymentStatus,
    Refund,
    Settlement,
    Transfer,
)
from payments.reconciliation.discrepancies import DifferenceKind as Kind
from payments.reconciliation.mirror import CHARGES, DISPUTES, REFUNDS, TRANSFERS

Column = Any
Model = Any
Rows = sa.Select[Any]


@dataclass(frozen=True)
class Pair:
    """One list of Stripe's and one table of ours.

    ``joined`` brings the tables that ``compared`` names; ``compared`` gives for each field
    Stripe's side and ours. ``is_counted`` leaves out what Stripe lists and nobody has to know.
    ``is_planned`` says that a call of ours stands behind what Stripe made.
    """

    what: str
    seen: sa.Table
    ours: Model
    stripe_id: Column
    missing_here: Kind
    missing_there: Kind
    different: Kind
    joined: Callable[[Rows], Rows]
    compared: Mapping[str, tuple[Column, Column]]
    twice: Kind | None = None
    is_counted: Column = field(default_factory=sa.true)
    is_planned: Column = None

    @property
    def is_same(self) -> sa.ColumnElement[bool]:
        """Return the condition that a row of ours is about the object listed."""
        condition: sa.ColumnElement[bool] = self.stripe_id == self.seen.c.id
        return condition


def _unless_null(theirs: Column, ours: Column) -> tuple[Column, Column]:
    """Compare only what Stripe has: what was made by hand carries no ids of ours."""
    return sa.func.coalesce(theirs, ours), ours


def _has_sent(seen: sa.Table) -> sa.ColumnElement[bool]:
    """Return the condition that an attempt of ours was sent under the key an object carries."""
    attempt = aliased(Attempt)
    return sa.exists().where(
        attempt.idempotency_key == seen.c.key, attempt.status != AttemptStatus.NEW
    )


def _has_payment() -> sa.ColumnElement[bool]:
    """Return the condition that a payment of ours was opened for a charge."""
    payment = aliased(Payment)
    return sa.exists().where(payment.public_id == CHARGES.c.subject)


PAIRS: Final = (
    Pair(
        what="charge",
        seen=CHARGES,
        ours=Payment,
        stripe_id=Payment.stripe_charge_id,
        missing_here=Kind.CHARGE_MISSING_HERE,
        missing_there=Kind.CHARGE_MISSING_THERE,
        different=Kind.CHARGE_DIFFERENT,
        twice=Kind.CHARGED_TWICE,
        joined=lambda rows: rows.join(Campaign, Campaign.id == Payment.campaign_id),
        compared={
            "amount": (CHARGES.c.amount, Payment.amount + Payment.tip_amount),
            "currency": (CHARGES.c.currency, Payment.currency),
            "campaign": _unless_null(CHARGES.c.campaign, Campaign.public_id),
            "transfer_group": _unless_null(CHARGES.c.transfer_group, Campaign.public_id),
            "payment": _unless_null(CHARGES.c.subject, Payment.public_id),
            "created_at": (CHARGES.c.created_at, Payment.charged_at),
            "status": (sa.literal(PaymentStatus.SUCCEEDED.value), Payment.status),
        },
        is_counted=CHARGES.c.installation.is_not(None),
        is_planned=_has_payment(),
    ),
    Pair(
        what="refund",
        seen=REFUNDS,
        ours=Refund,
        stripe_id=Refund.stripe_refund_id,
        missing_here=Kind.REFUND_MISSING_HERE,
        missing_there=Kind.REFUND_MISSING_THERE,
        different=Kind.REFUND_DIFFERENT,
        twice=Kind.REFUNDED_TWICE,
        joined=lambda rows: rows.join(Payment, Payment.id == Refund.payment_id),
        compared={
            "amount": (REFUNDS.c.amount, Refund.amount),
            "currency": (REFUNDS.c.currency, Refund.currency),
            "charge": (REFUNDS.c.charge, Payment.stripe_charge_id),
            "refund": _unless_null(REFUNDS.c.subject, Refund.public_id),
            "status": (REFUNDS.c.status, Refund.status),
        },
        is_counted=sa.or_(REFUNDS.c.status != "failed", REFUNDS.c.has_moved),
        is_planned=_has_sent(REFUNDS),
    ),
    Pair(
        what="transfer",
        seen=TRANSFERS,
        ours=Transfer,
        stripe_id=Transfer.stripe_transfer_id,
        missing_here=Kind.TRANSFER_MISSING_HERE,
        missing_there=Kind.TRANSFER_MISSING_THERE,
        different=Kind.TRANSFER_DIFFERENT,
        twice=Kind.TRANSFERRED_TWICE,
        joined=lambda rows: (
            rows.join(Campaign, Campaign.id == Transfer.campaign_id)
            .join(Settlement, Settlement.id == Transfer.settlement_id)
            .join(Document, Document.id == Settlement.document_id)
        ),
        compared={
            "amount": (TRANSFERS.c.amount, Transfer.amount),
            "amount_reversed": (TRANSFERS.c.amount_reversed, Transfer.reversed_amount),
            "currency": (TRANSFERS.c.currency, Transfer.currency),
            "destination": (TRANSFERS.c.destination, Transfer.stripe_account_id),
            "campaign": _unless_null(TRANSFERS.c.transfer_group, Campaign.public_id),
            "document": _unless_null(TRANSFERS.c.document, Document.number),
            "transfer": _unless_null(TRANSFERS.c.subject, Transfer.public_id),
            "created_at": (TRANSFERS.c.created_at, Transfer.sent_at),
        },
        is_planned=_has_sent(TRANSFERS),
    ),
    Pair(
        what="dispute",
        seen=DISPUTES,
        ours=Dispute,
        stripe_id=Dispute.stripe_dispute_id,
        missing_here=Kind.DISPUTE_MISSING_HERE,
        missing_there=Kind.DISPUTE_MISSING_THERE,
        different=Kind.DISPUTE_DIFFERENT,
        joined=lambda rows: rows.join(Payment, Payment.id == Dispute.payment_id),
        compared={
            "amount": (DISPUTES.c.amount, Dispute.amount),
            "currency": (DISPUTES.c.currency, Dispute.currency),
            "charge": (DISPUTES.c.charge, Payment.stripe_charge_id),
            "status": (DISPUTES.c.status, Dispute.status),
            "created_at": (DISPUTES.c.created_at, Dispute.opened_at),
        },
    ),
)
