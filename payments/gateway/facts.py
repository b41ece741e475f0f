"""What Stripe says, as plain facts; nothing outside the gateway knows the SDK's objects.

Amounts are minor units, instants aware UTC, as Stripe gives them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from payments.ledger.drafts import MovementFacts


def instant(seconds: float) -> datetime:
    """Turn Stripe's whole seconds since 1970 into an aware instant."""
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True)
class ChargeFact:
    """One charge of a card."""

    id: str
    payment_intent_id: str | None
    status: str
    amount: int
    amount_refunded: int
    currency: str
    created_at: datetime
    metadata: Mapping[str, str]
    transfer_group: str | None
    movement: MovementFacts | None


@dataclass(frozen=True)
class IntentFact:
    """One PaymentIntent, with its latest charge, and why its last card was declined."""

    id: str
    status: str
    amount: int
    currency: str
    metadata: Mapping[str, str]
    charge: ChargeFact | None
    failure_code: str | None = None


@dataclass(frozen=True)
class CardFact:
    """One card kept by Stripe; without a customer it can never be charged again."""

    id: str
    customer_id: str | None
    brand: str
    last4: str


@dataclass(frozen=True)
class SetupFact:
    """One SetupIntent: the saving of a card, and the card once it is saved."""

    id: str
    status: str
    customer_id: str | None
    card: CardFact | None


@dataclass(frozen=True)
class CheckoutFact:
    """One Checkout Session: of a payment, with the PaymentIntent it made, or of a card's saving."""

    id: str
    mode: str
    status: str
    url: str | None
    created_at: datetime
    expires_at: datetime
    client_reference_id: str | None
    metadata: Mapping[str, str]
    intent: IntentFact | None
    setup: SetupFact | None = None
    email: str | None = None
    locale: str | None = None


@dataclass(frozen=True)
class RefundFact:
    """One refund; while it waits for funds it has no movement."""

    id: str
    charge_id: str | None
    status: str
    amount: int
    currency: str
    created_at: datetime
    metadata: Mapping[str, str]
    has_movement: bool = False
    pending_reason: str | None = None
    failure_reason: str | None = None
    movement: MovementFacts | None = None
    failure_movement: MovementFacts | None = None


@dataclass(frozen=True)
class TransferFact:
    """One transfer to a connected account."""

    id: str
    amount: int
    amount_reversed: int
    currency: str
    created_at: datetime
    destination: str | None
    transfer_group: str | None
    metadata: Mapping[str, str]
    movement: MovementFacts | None


@dataclass(frozen=True)
class ReversalFact:
    """A transfer taken back, whole or in part."""

    id: str
    transfer_id: str
    amount: int
    created_at: datetime
    metadata: Mapping[str, str]
    movement: MovementFacts | None


@dataclass(frozen=True)
class DisputeFact:
    """One dispute, with the movements that took money away and perhaps gave it back."""

    id: str
    charge_id: str
    status: str
    reason: str
    amount: int
    currency: str
    created_at: datetime
    movements: tuple[MovementFacts, ...] = ()


@dataclass(frozen=True)
class TopupFact:
    """Money the operator moved onto the Stripe balance."""

    id: str
    status: str
    amount: int
    currency: str
    created_at: datetime
    movement: MovementFacts | None


@dataclass(frozen=True)
class PayoutFact:
    """Money on its way from the platform's balance to its bank, and perhaps back."""

    id: str
    status: str
    amount: int
    currency: str
    arrives_at: datetime
    movement: MovementFacts | None
    failure_movement: MovementFacts | None


@dataclass(frozen=True)
class AccountFact:
    """One connected account, and whether transfers to it are possible."""

    id: str
    transfers_status: str
    is_closed: bool


@dataclass(frozen=True)
class EventFact:
    """One event of Stripe's own list: a sign that an object changed."""

    created_at: datetime
    payload: dict[str, Any]


Fact = CheckoutFact | IntentFact | CardFact | RefundFact | TransferFact | ReversalFact | AccountFact


@dataclass(frozen=True)
class Done:
    """Stripe did it."""

    fact: Fact


@dataclass(frozen=True)
class Refused:
    """Stripe said no for good: the request will never be carried out under this key.

    ``is_decline``: it was the card's bank that said no.
    """

    code: str
    message: str
    is_decline: bool = False


@dataclass(frozen=True)
class Overtaken(Refused):
    """Stripe refused a refund; ``refunds`` of the same charge were made by somebody else."""

    refunds: tuple[RefundFact, ...] = ()


@dataclass(frozen=True)
class Postponed:
    """Stripe did not act on it, and asks to send the same request again later.

    ``is_too_fast`` says that it had too many calls: of this kind, or ``is_of_all`` of any.
    """

    code: str
    retry_after_seconds: float
    is_too_fast: bool = False
    is_of_all: bool = False


@dataclass(frozen=True)
class Unknown:
    """Nobody can tell whether Stripe did it; ``is_server_error`` counts towards a look-up."""

    reason: str
    is_server_error: bool = False


Answer = Done | Refused | Postponed | Unknown
