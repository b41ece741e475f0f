"""Payments, attempts, settlements, and what Stripe told us."""

from payments.models.attempt import (
    OPEN_ATTEMPTS,
    Attempt,
    AttemptKind,
    AttemptStatus,
    RateBucket,
)
from payments.models.dispute import Dispute, DisputeStage, DisputeStatus
from payments.models.document import Document, DocumentSeries, LostDocument
from payments.models.payment import (
    UNDER_WAY,
    Payment,
    PaymentStatus,
    Refund,
    RefundReason,
    RefundStatus,
    Resolution,
)
from payments.models.period import Period, PeriodStatus
from payments.models.reconciliation import (
    BooksState,
    Discrepancy,
    Reconciliation,
    StripePlatform,
)
from payments.models.saved_card import CardStatus, SavedCard
from payments.models.settlement import DOCUMENT_KINDS, Freeze, Settlement, SettlementKind
from payments.models.stripe import (
    ConnectedAccount,
    InboxEvent,
    InboxStatus,
    OwnerReadiness,
    PollCursor,
)
from payments.models.transfer import (
    Block,
    OwnerDebt,
    ReversalStatus,
    Transfer,
    TransferReversal,
    TransferStatus,
)

__all__ = [
    "DOCUMENT_KINDS",
    "OPEN_ATTEMPTS",
    "UNDER_WAY",
    "Attempt",
    "AttemptKind",
    "AttemptStatus",
    "Block",
    "BooksState",
    "CardStatus",
    "ConnectedAccount",
    "Discrepancy",
    "Dispute",
    "DisputeStage",
    "DisputeStatus",
    "Document",
    "DocumentSeries",
    "Freeze",
    "InboxEvent",
    "InboxStatus",
    "LostDocument",
    "OwnerDebt",
    "OwnerReadiness",
    "Payment",
    "PaymentStatus",
    "Period",
    "PeriodStatus",
    "PollCursor",
    "RateBucket",
    "Reconciliation",
    "Refund",
    "RefundReason",
    "RefundStatus",
    "Resolution",
    "ReversalStatus",
    "SavedCard",
    "Settlement",
    "SettlementKind",
    "StripePlatform",
    "Transfer",
    "TransferReversal",
    "TransferStatus",
]
