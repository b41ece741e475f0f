"""The kinds of call: each noun hands in where its calls go and what it does with their outcome.

The engine and the recorder of outcomes know calls alone. A new kind of call is one declaration
in the ``calls.py`` of its noun, which ``payments.feature`` registers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from octo.database import Model
from payments.context import Context
from payments.gateway.attempts import Claimed
from payments.gateway.client import LONGEST_REQUEST_SECONDS, Gateway
from payments.gateway.endpoints import Endpoint, add_endpoint
from payments.gateway.facts import Answer, Fact, Refused
from payments.models import Attempt, AttemptKind

REQUEST_IS_DEAD_AFTER: Final = timedelta(seconds=LONGEST_REQUEST_SECONDS + 60)


@dataclass(frozen=True)
class Recorded:
    """One call that was made: its attempt, what Stripe answered, and its row if it was locked."""

    attempt: Attempt
    fact: Any
    row: Model | None


FindEffect = Callable[[Gateway, Claimed], Fact | None]
LookAgain = Callable[[Gateway, Claimed, Refused], Answer]
OnDone = Callable[[Session, Sequence[Recorded], Context], None]
OnRefused = Callable[[Session, Attempt, Refused, Context], bool]


@dataclass(frozen=True)
class Call:
    """One kind of call: its name to operators, its endpoint, and whose its outcome is.

    ``on_done`` takes in what the calls of one group made, in the caller's transaction.
    ``on_refused`` tells whether the world explains Stripe's no; what nobody can explain is a bug
    to be looked at, and freezes the campaign's money.

    ``find_effect`` looks for what a call whose answer was lost has made; without it such a call
    is given up, since nobody was sent to the page it made. What it does not find may still be on
    its way until ``dead_after``. ``look_again`` reads a refusal that may mean "already done".
    """

    kind: AttemptKind
    name: str
    endpoint: Endpoint
    on_done: OnDone
    on_refused: OnRefused
    find_effect: FindEffect | None = None
    look_again: LookAgain | None = None
    dead_after: timedelta = REQUEST_IS_DEAD_AFTER


_CALLS: Final[dict[AttemptKind, Call]] = {}


def register_calls(*calls: Call) -> None:
    """Have these kinds of call sent and their outcomes recorded; each kind has one declaration."""
    for call in calls:
        known = _CALLS.setdefault(call.kind, call)
        assert known is call, f"{call.kind} is declared twice"
        add_endpoint(call.kind, call.endpoint)


def call_of(kind: AttemptKind) -> Call:
    """Return the declaration of a kind of call."""
    return _CALLS[kind]


def one_by_one(record: Callable[[Session, Attempt, Any, Context], None]) -> OnDone:
    """Take in what was made call after call, where a group saves nothing."""

    def record_all(session: Session, done: Sequence[Recorded], context: Context) -> None:
        for one in done:
            record(session, one.attempt, one.fact, context)

    return record_all
