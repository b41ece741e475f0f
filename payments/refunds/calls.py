"""The call that gives money back, and what is done with its outcome."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from octo.database import lock
from payments.context import Context
from payments.gateway import reading
from payments.gateway.attempts import Claimed
from payments.gateway.client import Gateway
from payments.gateway.endpoints import REFUNDS, Endpoint
from payments.gateway.facts import Answer, Done, Overtaken, RefundFact, Refused
from payments.gateway.lookups import made_by
from payments.gateway.registry import Call, Recorded
from payments.models import Attempt, AttemptKind, Refund
from payments.refunds.external import overtake_refund
from payments.refunds.outcomes import record_refunds, stop_disputed_refund

CHARGE_DISPUTED: Final = "charge_disputed"


def _find_refund(gateway: Gateway, claimed: Claimed) -> RefundFact | None:
    return made_by(claimed, gateway.list_refunds(claimed.parameters["charge"]))


def _look_again(gateway: Gateway, claimed: Claimed, answer: Refused) -> Answer:
    """Adopt what is there already, ours or somebody else's.

    A charge that a bank took back is no such refusal: nothing was refunded.
    """
    if answer.code == CHARGE_DISPUTED:
        return answer
    if found := _find_refund(gateway, claimed):
        return Done(found)
    listed = gateway.list_refunds(claimed.parameters["charge"])
    external = tuple(one for one in listed if "octo_subject" not in one.metadata)
    return Overtaken(answer.code, answer.message, refunds=external) if external else answer


def _record(session: Session, done: Sequence[Recorded], context: Context) -> None:
    refunds = []
    for one in done:
        assert isinstance(one.row, Refund)
        refunds.append((one.row, one.fact))
    record_refunds(session, refunds, context=context)


def _on_refused(session: Session, attempt: Attempt, refused: Refused, context: Context) -> bool:
    refund = lock(session, Refund, public_id=attempt.subject)
    if isinstance(refused, Overtaken):
        return overtake_refund(session, refund, refused.refunds, context=context)
    if refused.code != CHARGE_DISPUTED:
        return False
    stop_disputed_refund(session, refund, context=context)
    return True


CALLS: Final = (
    Call(
        AttemptKind.REFUND_CREATE,
        "refunds",
        Endpoint(
            REFUNDS,
            reading.refund,
            expand=("balance_transaction", "failure_balance_transaction"),
            moves_money=True,
        ),
        on_done=_record,
        on_refused=_on_refused,
        find_effect=_find_refund,
        look_again=_look_again,
    ),
)
