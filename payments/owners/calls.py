"""The calls by which owners are registered, paid, and asked for what they owe."""

from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.orm import Session

from octo.database import lock
from payments.context import Context
from payments.gateway import reading
from payments.gateway.attempts import Claimed
from payments.gateway.client import Gateway
from payments.gateway.endpoints import ACCOUNTS, TRANSFERS, Endpoint
from payments.gateway.facts import AccountFact, Refused, ReversalFact, TransferFact
from payments.gateway.lookups import made_by
from payments.gateway.registry import Call, one_by_one
from payments.models import Attempt, AttemptKind, Block, ConnectedAccount, Transfer
from payments.owners.accounts import record_account
from payments.owners.reversals import lock_reversal, record_reversal, refuse_reversal
from payments.owners.transfers import record_transfer, take_back_refused

_log = structlog.get_logger()

TRANSFER_IS_DEAD_AFTER: Final = timedelta(minutes=15)
_BLOCKS: Final = {
    "balance_insufficient": Block.BALANCE,
    "insufficient_capabilities_for_transfer": Block.OWNER,
    "account_closed": Block.OWNER,
}
"""Stripe's codes for a transfer that may be made later."""


def _find_transfer(gateway: Gateway, claimed: Claimed) -> TransferFact | None:
    return made_by(claimed, gateway.list_transfers(claimed.parameters["transfer_group"]))


def _find_reversal(gateway: Gateway, claimed: Claimed) -> ReversalFact | None:
    return made_by(claimed, gateway.list_reversals(claimed.parameters["transfer"]))


def _on_transfer(session: Session, attempt: Attempt, seen: TransferFact, context: Context) -> None:
    transfer = lock(session, Transfer, public_id=attempt.subject)
    record_transfer(session, transfer, seen, at=context.now)


def _on_reversal(session: Session, attempt: Attempt, seen: ReversalFact, context: Context) -> None:
    reversal = lock_reversal(session, public_id=attempt.subject)
    record_reversal(session, reversal, seen, context=context)


def _on_account(session: Session, attempt: Attempt, seen: AccountFact, context: Context) -> None:
    account = lock(session, ConnectedAccount, public_id=attempt.subject)
    record_account(account, seen, at=context.machine_now)


def _not_yet(session: Session, attempt: Attempt, refused: Refused, context: Context) -> bool:
    """Keep for later a transfer that the balance or the owner is not ready for."""
    block = _BLOCKS.get(refused.code)
    if block is None:
        return False
    transfer = lock(session, Transfer, public_id=attempt.subject)
    take_back_refused(session, transfer, block=block, context=context)
    return True


def _not_taken_back(session: Session, attempt: Attempt, refused: Refused, context: Context) -> bool:
    reversal = lock_reversal(session, public_id=attempt.subject)
    refuse_reversal(reversal, reason=refused.code, at=context.now)
    return True


def _no_account(_session: Session, attempt: Attempt, refused: Refused, _at: Context) -> bool:
    _log.error("account_refused", subject=attempt.subject, code=refused.code)
    return True


CALLS: Final = (
    Call(
        AttemptKind.TRANSFER_CREATE,
        "transfers",
        Endpoint(TRANSFERS, reading.transfer, expand=("balance_transaction",), moves_money=True),
        on_done=one_by_one(_on_transfer),
        on_refused=_not_yet,
        find_effect=_find_transfer,
        dead_after=TRANSFER_IS_DEAD_AFTER,
    ),
    Call(
        AttemptKind.REVERSAL_CREATE,
        "reversals",
        Endpoint(
            f"{TRANSFERS}/{{id}}/reversals",
            reading.reversal,
            moves_money=True,
            id_parameter="transfer",
            expand=("balance_transaction",),
        ),
        on_done=one_by_one(_on_reversal),
        on_refused=_not_taken_back,
        find_effect=_find_reversal,
        dead_after=TRANSFER_IS_DEAD_AFTER,
    ),
    Call(
        AttemptKind.ACCOUNT_CREATE,
        "accounts to open",
        Endpoint(ACCOUNTS, reading.account, moves_money=False),
        on_done=one_by_one(_on_account),
        on_refused=_no_account,
    ),
)
