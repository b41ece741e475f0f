"""Carry out one claimed attempt: send it, or first look whether it was already done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from payments.gateway.attempts import Claimed
from payments.gateway.client import (
    LONGEST_REQUEST_SECONDS,
    Gateway,
    StripeAwayError,
    UnknownToStripeError,
)
from payments.gateway.facts import (
    Answer,
    CheckoutFact,
    Done,
    Fact,
    RefundFact,
    Refused,
    ReversalFact,
    TransferFact,
    Unknown,
)
from payments.models import AttemptKind

_log = structlog.get_logger()

REQUEST_IS_DEAD_AFTER: Final = timedelta(seconds=LONGEST_REQUEST_SECONDS + 60)
TRANSFER_IS_DEAD_AFTER: Final = timedelta(minutes=15)
ALREADY_REFUNDED: Final = "charge_already_refunded"
ABANDONED: Final = "abandoned"


@dataclass(frozen=True)
class NoEffect:
    """A look-up found nothing and the old request is dead: plan it again under a new key."""


Result = Answer | NoEffect


def perform(gateway: Gateway, claimed: Claimed, *, at: datetime) -> Result:
    """Make the call of a claimed attempt and say what came of it; never raises.

    ``at`` is machine time. An attempt whose key may be forgotten, or that keeps answering
    500, is looked up by listing before anything is sent again.
    """
    try:
        if claimed.needs_lookup:
            return _look_first(gateway, claimed, at=at)
        answer = gateway.send(claimed.kind, claimed.parameters, claimed.key)
        if isinstance(answer, Refused):
            return _second_thoughts(gateway, claimed, answer)
    except StripeAwayError as error:
        return Unknown(f"look-up: {error}")
    except Exception as error:  # noqa: BLE001 - an answer nobody can read leaves all unknown
        _log.exception("answer_not_understood", kind=claimed.kind.value, subject=claimed.subject)
        return Unknown(f"not understood: {error!r}"[:500])
    return answer


def _look_first(gateway: Gateway, claimed: Claimed, *, at: datetime) -> Result:
    if found := _find(gateway, claimed):
        return Done(found)
    if claimed.kind in {AttemptKind.CHECKOUT_CREATE, AttemptKind.ACCOUNT_CREATE}:
        return Refused(ABANDONED, "its answer was lost and nobody was sent there")
    is_transfer = claimed.kind in {AttemptKind.TRANSFER_CREATE, AttemptKind.REVERSAL_CREATE}
    quiet = TRANSFER_IS_DEAD_AFTER if is_transfer else REQUEST_IS_DEAD_AFTER
    if claimed.last_sent_at is not None and at - claimed.last_sent_at < quiet:
        return Unknown("looked up and not found; the request may still be alive")
    return NoEffect()


def _second_thoughts(gateway: Gateway, claimed: Claimed, answer: Refused) -> Answer:
    """Take a refusal that says "already done" as a reason to look, and adopt what is there."""
    if claimed.kind is AttemptKind.CHECKOUT_EXPIRE or answer.code == ALREADY_REFUNDED:
        found = _find(gateway, claimed) or _find_by_hand(gateway, claimed)
        return Done(found) if found else answer
    return answer


def _find(gateway: Gateway, claimed: Claimed) -> Fact | None:
    """Look for the effect of an attempt by what Stripe can list, matching metadata here."""
    match claimed.kind:
        case AttemptKind.REFUND_CREATE:
            return next((one for one in _refunds(gateway, claimed) if _is_ours(one, claimed)), None)
        case AttemptKind.TRANSFER_CREATE:
            listed = gateway.list_transfers(claimed.parameters["transfer_group"])
            return next((one for one in listed if _is_ours(one, claimed)), None)
        case AttemptKind.REVERSAL_CREATE:
            reversals = gateway.list_reversals(claimed.parameters["transfer"])
            return next((one for one in reversals if _is_ours(one, claimed)), None)
        case AttemptKind.CHECKOUT_EXPIRE:
            return _find_closed_checkout(gateway, claimed.parameters["session"])
        case AttemptKind.CHECKOUT_CREATE | AttemptKind.ACCOUNT_CREATE:
            return None


def _find_closed_checkout(gateway: Gateway, session_id: str) -> CheckoutFact | None:
    try:
        seen = gateway.get_checkout(session_id)
    except UnknownToStripeError:
        return None
    return None if seen.status == "open" else seen


def _find_by_hand(gateway: Gateway, claimed: Claimed) -> RefundFact | None:
    """Find a refund of the same amount that someone made in Stripe's dashboard."""
    if claimed.kind is not AttemptKind.REFUND_CREATE:
        return None
    strangers = [one for one in _refunds(gateway, claimed) if "octo_subject" not in one.metadata]
    return next((one for one in strangers if one.amount == claimed.parameters["amount"]), None)


def _refunds(gateway: Gateway, claimed: Claimed) -> list[RefundFact]:
    return list(gateway.list_refunds(claimed.parameters["charge"]))


def _is_ours(fact: RefundFact | TransferFact | ReversalFact, claimed: Claimed) -> bool:
    return (
        fact.metadata.get("octo_subject") == claimed.subject
        and fact.metadata.get("octo_key", "").split(":")[:-1] == claimed.key.split(":")[:-1]
    )
