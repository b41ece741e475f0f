"""Carry out one claimed attempt: send it, or first look whether it was already done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from payments.gateway.attempts import Claimed
from payments.gateway.client import LONGEST_REQUEST_SECONDS, Gateway, StripeAwayError
from payments.gateway.facts import Answer, Done, Overtaken, Refused, Unknown
from payments.gateway.lookups import find_effect, find_external_refunds
from payments.models import AttemptKind

_log = structlog.get_logger()

REQUEST_IS_DEAD_AFTER: Final = timedelta(seconds=LONGEST_REQUEST_SECONDS + 60)
TRANSFER_IS_DEAD_AFTER: Final = timedelta(minutes=15)
CHARGE_DISPUTED: Final = "charge_disputed"
ABANDONED: Final = "abandoned"
_ASKS_ABOUT_STATE: Final = frozenset(
    {
        AttemptKind.CHECKOUT_EXPIRE,
        AttemptKind.INTENT_CONFIRM,
        AttemptKind.INTENT_CANCEL,
        AttemptKind.CARD_DETACH,
    }
)


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
    if found := find_effect(gateway, claimed):
        return Done(found)
    if claimed.kind in {AttemptKind.CHECKOUT_CREATE, AttemptKind.ACCOUNT_CREATE}:
        return Refused(ABANDONED, "its answer was lost and nobody was sent there")
    is_transfer = claimed.kind in {AttemptKind.TRANSFER_CREATE, AttemptKind.REVERSAL_CREATE}
    quiet = TRANSFER_IS_DEAD_AFTER if is_transfer else REQUEST_IS_DEAD_AFTER
    if at - claimed.sent_at < quiet:
        return Unknown("looked up and not found; the request may still be alive")
    return NoEffect()


def _second_thoughts(gateway: Gateway, claimed: Claimed, answer: Refused) -> Answer:
    """Take a refusal that may mean "already done" as a reason to look, and adopt what is there.

    A card declined by its bank is no such refusal: the intent was asked for and that is its
    answer. Nor is a charge that a bank took back: nothing was refunded.
    """
    if claimed.kind is AttemptKind.REFUND_CREATE and answer.code != CHARGE_DISPUTED:
        if found := find_effect(gateway, claimed):
            return Done(found)
        external = find_external_refunds(gateway, claimed)
        return Overtaken(answer.code, answer.message, refunds=external) if external else answer
    if claimed.kind in _ASKS_ABOUT_STATE and not answer.is_decline:
        found = find_effect(gateway, claimed)
        return Done(found) if found else answer
    return answer
