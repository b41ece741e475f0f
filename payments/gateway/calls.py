"""Carry out one claimed attempt: send it, or first look whether it was already done."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from payments.gateway.attempts import Claimed
from payments.gateway.client import Gateway, StripeAwayError
from payments.gateway.facts import Answer, Done, Refused, Unknown
from payments.gateway.registry import call_of

_log = structlog.get_logger()

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
        look_again = call_of(claimed.kind).look_again
        if isinstance(answer, Refused) and look_again is not None:
            return look_again(gateway, claimed, answer)
    except StripeAwayError as error:
        return Unknown(f"look-up: {error}")
    except Exception as error:  # noqa: BLE001 - an answer nobody can read leaves all unknown
        _log.exception("answer_not_understood", kind=claimed.kind.value, subject=claimed.subject)
        return Unknown(f"not understood: {error!r}"[:500])
    return answer


def _look_first(gateway: Gateway, claimed: Claimed, *, at: datetime) -> Result:
    call = call_of(claimed.kind)
    if call.find_effect is None:
        return Refused(ABANDONED, "its answer was lost and nobody was sent there")
    if found := call.find_effect(gateway, claimed):
        return Done(found)
    if at - claimed.sent_at < call.dead_after:
        return Unknown("looked up and not found; the request may still be alive")
    return NoEffect()
