"""Payments, attempts, the ledger, settlements, and what Stripe told us."""

from payments.models.attempt import (
    OPEN_ATTEMPTS,
    Attempt,
    AttemptKind,
    AttemptStatus,
    PacerBucket,
)
from payments.models.ledger import (
    LedgerCheckpoint,
    LedgerEntry,
    LedgerTransaction,
    StripeMovement,
    TransactionKind,
)
from payments.models.payment import (
    Payment,
    PaymentStatus,
    Refund,
    RefundReason,
    RefundStatus,
)
from payments.models.settlement import (
    DocumentSeries,
    Freeze,
    Settlement,
    SettlementKind,
    Transfer,
    TransferStatus,
)
from payments.models.stripe import (
    ConnectedAccount,
    Discrepancy,
    Dispute,
    DisputeStatus,
    InboxEvent,
    InboxStatus,
    OwnerReadiness,
    PollCursor,
)

__all__ = [
    "OPEN_ATTEMPTS",
    "Attempt",
    "AttemptKind",
    "AttemptStatus",
    "ConnectedAccount",
    "Discrepancy",
    "Dispute",
    "DisputeStatus",
    "DocumentSeries",
    "Freeze",
    "InboxEvent",
    "InboxStatus",
    "LedgerCheckpoint",
    "LedgerEntry",
    "LedgerTransaction",
    "OwnerReadiness",
    "PacerBucket",
    "Payment",
    "PaymentStatus",
    "PollCursor",
    "Refund",
    "RefundReason",
    "RefundStatus",
    "Settlement",
    "SettlementKind",
    "StripeMovement",
    "TransactionKind",
    "Transfer",
    "TransferStatus",
]
