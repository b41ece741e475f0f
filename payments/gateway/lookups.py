"""Look for the effect of an attempt at Stripe, by what Stripe can list or fetch.

No list of Stripe's filters on metadata: ours is matched here.
"""

from collections.abc import Iterable
from typing import TypeVar

from payments.gateway.attempts import Claimed
from payments.gateway.client import Gateway
from payments.gateway.facts import (
    Answer,
    Done,
    IntentFact,
    RefundFact,
    Refused,
    ReversalFact,
    TransferFact,
)
from payments.gateway.registry import call_of

Listed = TypeVar("Listed", IntentFact, RefundFact, TransferFact, ReversalFact)


def made_by(claimed: Claimed, listed: Iterable[Listed]) -> Listed | None:
    """Find what this attempt made in a list of Stripe's, or an earlier try of the same action."""
    action = claimed.key.split(":")[:-1]
    for one in listed:
        is_of_subject = one.metadata.get("octo_subject") == claimed.subject
        if is_of_subject and one.metadata.get("octo_key", "").split(":")[:-1] == action:
            return one
    return None


def look_at_state(gateway: Gateway, claimed: Claimed, answer: Refused) -> Answer:
    """Take a refusal to change an object for "already done" when it stands as was asked.

    A card declined by its bank is no such refusal: the intent was asked for and that is its
    answer.
    """
    find_effect = call_of(claimed.kind).find_effect
    if answer.is_decline or find_effect is None:
        return answer
    found = find_effect(gateway, claimed)
    return Done(found) if found else answer
