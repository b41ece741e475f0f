"""Write down what came of calls: attempts, their subjects and the ledger in one commit.

A group is committed together; one that fails is cut in halves until the bad row stands
alone, goes to ``unknown`` and freezes its campaign, so that the others go on.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.orm import Session

from octo.clock import Clock
from octo.config import Settings
from octo.database import PASSING_TROUBLE, transaction
from payments.context import Context
from payments.freezes import freeze
from payments.gateway.attempts import Claimed, close, lock_held, replan_under_new_key, reschedule
from payments.gateway.calls import NoEffect, Result
from payments.gateway.facts import Done, Postponed, Refused, Unknown
from payments.gateway.registry import Recorded, call_of
from payments.gateway.subjects import lock_subjects
from payments.models import Attempt, AttemptKind, AttemptStatus
from payments.settings import StripeSettings

_log = structlog.get_logger()

MOST_WRITES: Final = 5
PAUSE_SECONDS: Final = 0.1
QUARANTINE: Final = timedelta(minutes=1)

Outcomes = Sequence[tuple[Claimed, Result]]
NotDone = Refused | NoEffect | Postponed | Unknown


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
        done: dict[AttemptKind, list[Recorded]] = defaultdict(list)
        for claimed, result in sorted(outcomes, key=lambda one: one[0].id):
            attempt = held.get(claimed.id)
            if attempt is None:
                continue
            if isinstance(result, Done):
                close(attempt, result, at=context.machine_now)
                row = subjects.by_public_id.get(attempt.subject)
                done[attempt.kind].append(Recorded(attempt, result.fact, row))
            else:
                _record(session, attempt, result, context=context)
        for kind, made in done.items():
            call_of(kind).on_done(session, made, context)


def _record(session: Session, attempt: Attempt, result: NotDone, *, context: Context) -> None:
    match result:
        case Refused():
            close(attempt, result, at=context.machine_now)
            if not call_of(attempt.kind).on_refused(session, attempt, result, context):
                _freeze_for(session, attempt, f"{result.code}: {result.message}", context=context)
        case NoEffect():
            installation = context.settings.of(StripeSettings).installation
            replan_under_new_key(
                session, attempt, installation=installation, at=context.machine_now
            )
        case Postponed() | Unknown():
            reschedule(attempt, result, at=context.machine_now)


def _quarantine(claimed: Claimed, error: Exception, *, settings: Settings, clock: Clock) -> None:
    with transaction() as session:
        context = Context.read(settings, clock)
        for attempt in lock_held(session, [claimed]).values():
            attempt.status = AttemptStatus.UNKNOWN
            attempt.error_message = f"could not be written down: {error!r}"[:2000]
            attempt.lease_until = None
            attempt.not_before = context.machine_now + QUARANTINE
            if attempt.campaign_id is not None:
                _freeze_for(session, attempt, repr(error), context=context)


def _freeze_for(session: Session, attempt: Attempt, why: str, *, context: Context) -> None:
    """Stop the money of the campaign that a call was about, until a person has looked."""
    assert attempt.campaign_id is not None
    reason = f"{attempt.kind.value} {attempt.subject}: {why}"
    freeze(session, attempt.campaign_id, reason=reason, context=context)
