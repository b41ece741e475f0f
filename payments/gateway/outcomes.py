"""Write down what came of calls: attempts, their subjects and the ledger in one commit.

A group is committed together; one that fails is cut in halves until the bad row stands
alone, goes to ``unknown`` and freezes its campaign, so that the others go on.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns.pledges.transitions import expire_pledge
from octo.clock import Clock
from octo.config import Settings
from octo.database import PASSING_TROUBLE, lock, transaction
from octo.errors import OctoError
from payments.blocked import slug_of
from payments.charges.off_session import (
    CARD_IS_GONE,
    UNUSABLE,
    confirm_intent,
    record_decline,
)
from payments.charges.record import record_checkout, record_intent
from payments.charges.saved_cards import lock_card, record_card
from payments.context import Context
from payments.gateway.attempts import Claimed, close, lock_held, replan_under_new_key, reschedule
from payments.gateway.calls import CHARGE_DISPUTED, NoEffect, Result
from payments.gateway.facts import (
    AccountFact,
    CardFact,
    CheckoutFact,
    Done,
    IntentFact,
    Overtaken,
    Postponed,
    RefundFact,
    Refused,
    ReversalFact,
    TransferFact,
    Unknown,
)
from payments.gateway.subjects import lock_subjects
from payments.locks import lock_payment
from payments.models import (
    Attempt,
    AttemptKind,
    AttemptStatus,
    Block,
    CardStatus,
    ConnectedAccount,
    Freeze,
    PaymentStatus,
    Refund,
    Transfer,
)
from payments.owners.accounts import record_account
from payments.owners.reversals import lock_reversal, record_reversal, refuse_reversal
from payments.owners.transfers import record_transfer, take_back_refused
from payments.refunds.external import overtake_refund
from payments.refunds.outcomes import record_refunds, stop_disputed_refund

_log = structlog.get_logger()

MOST_WRITES: Final = 5
PAUSE_SECONDS: Final = 0.1
QUARANTINE: Final = timedelta(minutes=1)

Outcomes = Sequence[tuple[Claimed, Result]]
_TRANSFER_WAITS: Final = {
    "balance_insufficient": Block.BALANCE,
    "insufficient_capabilities_for_transfer": Block.OWNER,
    "account_closed": Block.OWNER,
}


def record_results(outcomes: Outcomes, *, settings: Settings, clock: Clock) -> None:
    """Commit what came of these calls, as one group if it can be.

    A result whose lease was lost meanwhile is dropped: the new holder finds the same. So is
    a group that the database keeps failing: whoever holds its attempts next asks Stripe
    again under the same keys.
    """
    if not outcomes:
        return
    try:
        _write_patiently(outcomes, settings=settings, clock=clock)
    except PASSING_TROUBLE:
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the others are kept
        _log.warning("group_not_written", size=len(outcomes), exc_info=True)
        if len(outcomes) == 1:
            _quarantine(outcomes[0][0], error, settings=settings, clock=clock)
            return
        half = len(outcomes) // 2
        record_results(outcomes[:half], settings=settings, clock=clock)
        record_results(outcomes[half:], settings=settings, clock=clock)


def _write_patiently(outcomes: Outcomes, *, settings: Settings, clock: Clock) -> None:
    """Write a group, and again when the database was busy, away or cut a deadlock."""
    for tries in range(1, MOST_WRITES + 1):
        try:
            _write(outcomes, settings=settings, clock=clock)
        except PASSING_TROUBLE:
            _log.warning("group_written_again", size=len(outcomes), exc_info=True)
            if tries == MOST_WRITES:
                raise
            time.sleep(PAUSE_SECONDS * tries)
        else:
            return


def _write(outcomes: Outcomes, *, settings: Settings, clock: Clock) -> None:
    with transaction() as session:
        context = Context.read(settings, clock)
        held = lock_held(session, [claimed for claimed, _ in outcomes])
        subjects = lock_subjects(session, held.values())
        refunds: list[tuple[Refund, RefundFact]] = []
        for claimed, result in sorted(outcomes, key=lambda one: one[0].id):
            attempt = held.get(claimed.id)
            if attempt is None:
                continue
            if isinstance(result, Done) and isinstance(result.fact, RefundFact):
                close(attempt, result, at=context.machine_now)
                refunds.append((subjects.refunds[attempt.subject], result.fact))
            else:
                _record(session, attempt, result, context=context)
        record_refunds(session, refunds, context=context)


def note_trouble(campaign_id: int, error: Exception, *, settings: Settings, clock: Clock) -> str:
    """Say what keeps a campaign from going on; a broken invariant stops its money too."""
    _log.error("campaign_in_trouble", campaign=campaign_id, exc_info=error)
    if isinstance(error, OctoError | IntegrityError | AssertionError):
        with transaction() as session:
            context = Context.read(settings, clock)
            freeze(session, campaign_id, reason=repr(error)[:2000], context=context)
    return f"{slug_of(campaign_id)}: {error!r}"


def freeze(session: Session, campaign_id: int, *, reason: str, context: Context) -> None:
    """Stop all money of one campaign until a person has looked; the others go on."""
    is_frozen = sa.select(Freeze.id).where(
        Freeze.campaign_id == campaign_id, Freeze.lifted_at.is_(None)
    )
    if session.scalar(is_frozen) is None:
        _log.error("campaign_frozen", campaign=campaign_id, reason=reason)
        session.add(Freeze(campaign_id=campaign_id, reason=reason, frozen_at=context.now))
        session.flush()


def _record(session: Session, attempt: Attempt, result: Result, *, context: Context) -> None:
    match result:
        case Done():
            close(attempt, result, at=context.machine_now)
            _record_done(session, attempt, result, context=context)
        case Refused():
            close(attempt, result, at=context.machine_now)
            _record_refused(session, attempt, result, context=context)
        case NoEffect():
            installation = context.settings.stripe.installation
            replan_under_new_key(
                session, attempt, installation=installation, at=context.machine_now
            )
        case Postponed() | Unknown():
            reschedule(attempt, result, at=context.machine_now)


def _record_done(session: Session, attempt: Attempt, done: Done, *, context: Context) -> None:
    match done.fact:
        case TransferFact() as seen:
            transfer = lock(session, Transfer, public_id=attempt.subject)
            record_transfer(session, transfer, seen, at=context.now)
        case ReversalFact() as seen:
            reversal = lock_reversal(session, public_id=attempt.subject)
            record_reversal(session, reversal, seen, context=context)
        case CheckoutFact(mode="setup") as seen:
            card = lock_card(session, public_id=attempt.subject)
            record_card(session, card, seen, context=context)
        case CheckoutFact() as seen:
            payment = lock_payment(session, public_id=attempt.subject)
            record_checkout(session, payment, seen, context=context)
        case IntentFact() as seen:
            payment = lock_payment(session, public_id=attempt.subject)
            record_intent(session, payment, seen, context=context)
            if attempt.kind is AttemptKind.INTENT_CREATE:
                confirm_intent(session, payment, context=context)
        case CardFact():
            lock_card(session, public_id=attempt.subject).advance_to(CardStatus.FORGOTTEN)
        case AccountFact() as seen:
            account = lock(session, ConnectedAccount, public_id=attempt.subject)
            record_account(account, seen, at=context.machine_now)


def _record_refused(
    session: Session, attempt: Attempt, refused: Refused, *, context: Context
) -> None:
    """Stripe said no: most refusals of ours are a bug to be looked at before money moves on."""
    match attempt.kind:
        case AttemptKind.CHECKOUT_CREATE if attempt.parameters["mode"] == "setup":
            card = lock_card(session, public_id=attempt.subject)
            if card.advance_to(CardStatus.EXPIRED):
                expire_pledge(session, pledge=card.pledge, at=context.now)
        case AttemptKind.CHECKOUT_CREATE:
            payment = lock_payment(session, public_id=attempt.subject)
            if payment.advance_to(PaymentStatus.CANCELED):
                expire_pledge(session, pledge=payment.pledge, at=context.now)
        case AttemptKind.INTENT_CREATE | AttemptKind.INTENT_CONFIRM if _is_of_the_card(refused):
            payment = lock_payment(session, public_id=attempt.subject)
            code = refused.code if refused.is_decline else UNUSABLE
            record_decline(session, payment, code=code, context=context)
        case AttemptKind.CARD_DETACH:
            _log.error("card_not_forgotten", subject=attempt.subject, code=refused.code)
        case AttemptKind.ACCOUNT_CREATE:
            _log.error("account_refused", subject=attempt.subject, code=refused.code)
        case _ if _is_taken_in(session, attempt, refused, context=context):
            pass
        case _:
            assert attempt.campaign_id is not None
            reason = f"{attempt.kind.value} {attempt.subject}: {refused.code}: {refused.message}"
            freeze(session, attempt.campaign_id, reason=reason, context=context)


def _is_of_the_card(refused: Refused) -> bool:
    """Tell whether the card cannot be charged; any other refusal is a bug to be looked at."""
    return refused.is_decline or refused.code in CARD_IS_GONE


def _is_taken_in(session: Session, attempt: Attempt, refused: Refused, *, context: Context) -> bool:
    """Take in a refusal to move money that needs no bug: what the world did meanwhile."""
    subject = attempt.subject
    match attempt.kind, refused:
        case AttemptKind.TRANSFER_CREATE, Refused(code) if code in _TRANSFER_WAITS:
            transfer = lock(session, Transfer, public_id=subject)
            block = _TRANSFER_WAITS[code]
            take_back_refused(session, transfer, block=block, context=context)
        case AttemptKind.REVERSAL_CREATE, Refused(code):
            reversal = lock_reversal(session, public_id=subject)
            refuse_reversal(reversal, reason=code, at=context.now)
        case AttemptKind.REFUND_CREATE, Overtaken(refunds=refunds):
            refund = lock(session, Refund, public_id=subject)
            return overtake_refund(session, refund, refunds, context=context)
        case AttemptKind.REFUND_CREATE, Refused(code) if code == CHARGE_DISPUTED:
            refund = lock(session, Refund, public_id=subject)
            stop_disputed_refund(session, refund, context=context)
        case _:
            return False
    return True


def _quarantine(claimed: Claimed, error: Exception, *, settings: Settings, clock: Clock) -> None:
    with transaction() as session:
        context = Context.read(settings, clock)
        for attempt in lock_held(session, [claimed]).values():
            attempt.status = AttemptStatus.UNKNOWN
            attempt.error_message = f"could not be written down: {error!r}"[:2000]
            attempt.lease_until = None
            attempt.not_before = context.machine_now + QUARANTINE
            if attempt.campaign_id is not None:
                reason = f"{attempt.kind.value} {attempt.subject}: {error!r}"
                freeze(session, attempt.campaign_id, reason=reason[:2000], context=context)
