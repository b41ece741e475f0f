"""Look for the effect of an attempt at Stripe, by what Stripe can list or fetch.

No list of Stripe's filters on metadata: ours is matched here.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from payments.gateway.attempts import Claimed
from payments.gateway.client import Gateway, UnknownToStripeError
from payments.gateway.facts import (
    CardFact,
    CheckoutFact,
    Fact,
    IntentFact,
    RefundFact,
    ReversalFact,
    TransferFact,
)
from payments.models import AttemptKind

_NOT_ENDED: Final = frozenset(
    {"requires_payment_method", "requires_confirmation", "requires_action", "processing"}
)
Listed = TypeVar("Listed", IntentFact, RefundFact, TransferFact, ReversalFact)


def find_effect(gateway: Gateway, claimed: Claimed) -> Fact | None:
    """Return what an attempt has made or changed, or nothing when it had no effect yet.

    Nothing is found of a page that was opened and whose address was lost: nobody was sent there.
    """
    finder = _FINDERS.get(claimed.kind)
    return None if finder is None else finder(gateway, claimed)


def find_external_refunds(gateway: Gateway, claimed: Claimed) -> tuple[RefundFact, ...]:
    """Find the refunds of a charge that somebody made by hand, in Stripe's dashboard."""
    listed = gateway.list_refunds(claimed.parameters["charge"])
    return tuple(one for one in listed if "octo_subject" not in one.metadata)


def _find_refund(gateway: Gateway, claimed: Claimed) -> RefundFact | None:
    return _ours(gateway.list_refunds(claimed.parameters["charge"]), claimed)


def _find_transfer(gateway: Gateway, claimed: Claimed) -> TransferFact | None:
    return _ours(gateway.list_transfers(claimed.parameters["transfer_group"]), claimed)


def _find_reversal(gateway: Gateway, claimed: Claimed) -> ReversalFact | None:
    return _ours(gateway.list_reversals(claimed.parameters["transfer"]), claimed)


def _find_created_intent(gateway: Gateway, claimed: Claimed) -> IntentFact | None:
    return _ours(gateway.list_intents(claimed.parameters["customer"]), claimed)


def _find_confirmed_intent(gateway: Gateway, claimed: Claimed) -> IntentFact | None:
    """Return the intent, unless it still waits to be confirmed; a declined one was."""
    seen = gateway.get_intent(claimed.parameters["intent"])
    return None if seen.status == "requires_confirmation" else seen


def _find_ended_intent(gateway: Gateway, claimed: Claimed) -> IntentFact | None:
    seen = gateway.get_intent(claimed.parameters["intent"])
    return None if seen.status in _NOT_ENDED else seen


def _find_closed_checkout(gateway: Gateway, claimed: Claimed) -> CheckoutFact | None:
    try:
        seen = gateway.get_checkout(claimed.parameters["session"])
    except UnknownToStripeError:
        return None
    return None if seen.status == "open" else seen


def _find_detached_card(gateway: Gateway, claimed: Claimed) -> CardFact | None:
    seen = gateway.get_card(claimed.parameters["card"])
    return None if seen.customer_id is not None else seen


_FINDERS: Final[dict[AttemptKind, Callable[[Gateway, Claimed], Fact | None]]] = {
    AttemptKind.CHECKOUT_EXPIRE: _find_closed_checkout,
    AttemptKind.INTENT_CREATE: _find_created_intent,
    AttemptKind.INTENT_CONFIRM: _find_confirmed_intent,
    AttemptKind.INTENT_CANCEL: _find_ended_intent,
    AttemptKind.CARD_DETACH: _find_detached_card,
    AttemptKind.REFUND_CREATE: _find_refund,
    AttemptKind.TRANSFER_CREATE: _find_transfer,
    AttemptKind.REVERSAL_CREATE: _find_reversal,
}


def _ours(listed: Iterable[Listed], claimed: Claimed) -> Listed | None:
    """Return the one made by this attempt, or by an earlier try of the same action."""
    action = claimed.key.split(":")[:-1]
    for one in listed:
        is_of_subject = one.metadata.get("octo_subject") == claimed.subject
        if is_of_subject and one.metadata.get("octo_key", "").split(":")[:-1] == action:
            return one
    return None
