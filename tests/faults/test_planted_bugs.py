"""A check that always passes proves nothing: bugs are planted here, and it must name each.

One function of ours is replaced by the way it is often done, and a small story is told. The same
story without the bug finds nothing wrong.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
import stripe
from sqlalchemy.orm import Session

from campaigns.pledges.transitions import _count
from octo.database import lock_all
from payments.accounting import chart
from payments.charges import record
from payments.context import Context
from payments.gateway.attempts import Claimed, close, reschedule
from payments.gateway.calls import NoEffect
from payments.gateway.client import Gateway
from payments.gateway.facts import Answer, ChargeFact, Done, Postponed, Refused, Unknown
from payments.ledger.drafts import EntryDraft, TransactionDraft
from payments.ledger.posting import post
from payments.models import Attempt, AttemptKind, Payment, Refund
from payments.refunds import requests
from tests.machine.ending import DAY, News, find_leftovers, settle_down
from tests.machine.errands import Halt
from tests.machine.story import Story
from tests.machine.wire import Strike

AVAILABLE_AT_ONCE: Final = "4000000000000077"
SEND: Final = "send_attempts"

pytestmark = pytest.mark.slow


# --- the stories


def deadline_night(story: Story) -> None:
    """Have one campaign reach its goal and another miss it, and their deadlines pass."""
    reached, missed, _ = story.campaigns
    for campaign, amount in ((reached, 45_00), (missed, 15_00)):
        pledge = story.pledge(campaign, amount, tip=1_00)
        assert pledge is not None
        story.pay(pledge, card=AVAILABLE_AT_ONCE)
        story.come_back(pledge)
    story.reach_deadline(missed, offset=1)


def quiet_night(story: Story) -> list[str]:
    """Let nothing go wrong but what the bug does."""
    deadline_night(story)
    return end(story)


def lost_answers(story: Story) -> list[str]:
    """Lose the answers of a Stripe that does what it is asked."""
    deadline_night(story)
    strike(story, {"action": "drop_after"}, times=1)
    return ask_again(story)


def replayed_errors(story: Story) -> list[str]:
    """Have Stripe do what it is asked, and answer 500 under that key for ever."""
    deadline_night(story)
    strike(story, {"action": "error_after"}, times=1)
    return ask_again(story)


def ask_again(story: Story) -> list[str]:
    """Let a worker send and send again before any news of Stripe's reach it."""
    world, worker = story.world, story.world.nodes[0]
    for job in worker.jobs:
        world.job(worker, job)
    for _ in range(6):
        world.let_pass(100)
        world.job(worker, "settle_campaigns")
        world.job(worker, SEND)
    return [*story.look(), *end(story)]


def frozen_worker(story: Story) -> list[str]:
    """Freeze a worker with an answer it never heard; have another do the work; thaw the first."""
    deadline_night(story)
    world, worker = story.world, story.world.nodes[0]
    for job in worker.jobs:
        if job != SEND:
            world.job(worker, job)
    strike(story, {"action": "drop_after"}, times=1)
    world.job(worker, SEND, Halt(1, is_after=True))
    assert world.frozen
    world.let_pass(60)
    settle_down(story, News.BOTH)
    found = story.look()
    world.thaw(0)
    return [*found, *story.look(), *end(story)]


def partly_refunded(story: Story) -> list[str]:
    """Have Stripe tell of a charge again, before the refund by hand of a part of it is known."""
    pledge = story.pledge(story.campaigns[1], 45_00)
    assert pledge is not None
    story.pay(pledge, card=AVAILABLE_AT_ONCE)
    story.come_back(pledge)
    story.world.job(story.world.nodes[0], "compare_books")
    story.refund_externally(pledge, amount=1_00)
    letters = story.world.post
    letters.collect()
    letters.deliver(letters.waiting[::-1])
    letters.waiting.clear()
    story.world.job(story.world.nodes[0], "handle_inbox")
    settle_down(story, News.BOTH)
    found = story.look()
    story.reach_deadline(story.campaigns[1], offset=1)
    return [*found, *end(story)]


def late_payer(story: Story) -> list[str]:
    """Have a backer pay just before the deadline, which nobody has heard of as it passes."""
    reached, _, _ = story.campaigns
    pledge = story.pledge(reached, 45_00)
    assert pledge is not None
    story.reach_deadline(reached, offset=-30)
    story.world.job(story.world.nodes[0], "compare_books")
    pledge = story.pledge(reached, 45_00)
    assert pledge is not None
    story.pay(pledge, card=AVAILABLE_AT_ONCE)
    story.reach_deadline(reached, offset=1)
    story.world.job(story.world.nodes[0], "close_campaigns")
    return [*story.look(), *end(story)]


def strike(story: Story, fault: dict[str, Any], *, times: int) -> None:
    for path in ("/v1/refunds", "/v1/transfers"):
        story.world.weather.strikes.append(Strike("POST", path, fault, times))


def end(story: Story) -> list[str]:
    """Let all come to its end, looking on the way; return everything that is wrong."""
    found: list[str] = []
    for wait in (0, 10 * DAY):
        story.world.let_pass(wait)
        settle_down(story, News.BOTH)
        found += story.look()
    return [*found, *find_leftovers(story)]


# --- the bugs


def send_without_key(self: Gateway, kind: AttemptKind, parameters: Any, key: str) -> Answer:
    del key
    return _send(self, kind, parameters)


def send_with_fresh_key(self: Gateway, kind: AttemptKind, parameters: Any, key: str) -> Answer:
    return _send(self, kind, parameters, idempotency_key=f"{key}:{uuid.uuid4()}")


def _send(gateway: Gateway, kind: AttemptKind, parameters: Any, **options: str) -> Answer:
    try:
        return Done(gateway._call(kind, parameters, **options))
    except stripe.APIConnectionError as error:
        return Unknown(str(error))


_plan_call = requests._plan_call


def post_when_planned(
    session: Session, refund: Refund, *, action_number: int, context: Context
) -> None:
    _plan_call(session, refund, action_number=action_number, context=context)
    funds = chart.campaign_funds(refund.payment.campaign)
    entry = EntryDraft(funds, chart.STRIPE_BALANCE, refund.amount, refund.currency)
    draft = TransactionDraft(
        reference=f"refund_planned:{refund.public_id}",
        kind="refund",
        occurred_at=context.now,
        campaign_id=refund.campaign_id,
        entries=(entry,),
    )
    post(session, draft)


def give_up(attempt: Attempt, answer: Postponed | Unknown, *, at: Any) -> None:
    if isinstance(answer, Unknown):
        close(attempt, Refused("given_up", answer.reason), at=at)
    else:
        reschedule(attempt, answer, at=at)


def find_nothing(gateway: Gateway, claimed: Claimed, *, at: Any) -> NoEffect:
    return NoEffect()


def hold_whatever(session: Session, claims: Sequence[Claimed]) -> dict[int, Attempt]:
    ids = [one.id for one in claims]
    return {row.id: row for row in lock_all(session, Attempt, Attempt.id.in_(ids))}


_record_charge = record.record_charge


def count_each_time(
    session: Session, payment: Payment, seen: ChargeFact, *, context: Context
) -> None:
    was_known = payment.is_resolved
    _record_charge(session, payment, seen, context=context)
    if was_known:
        _count(session, payment.pledge, amount=payment.amount, backers=1)


def wait_for_nobody(*_: object, **__: object) -> list[Any]:
    return []


@dataclass(frozen=True)
class Bug:
    """Where it is planted, what stands there then, the story that shows it, how it is named."""

    places: tuple[str, ...]
    by: Any
    story: Callable[[Story], list[str]]
    named: str


SEND_CALL: Final = "payments.gateway.client.Gateway.send"
BUGS: Final = {
    "no key of ours": Bug(
        (SEND_CALL,), send_without_key, quiet_night, "no attempt was committed before"
    ),
    "no key of ours, and a lost answer": Bug(
        (SEND_CALL,), send_without_key, lost_answers, "was made 2 times"
    ),
    "a fresh key on retry": Bug(
        (SEND_CALL,), send_with_fresh_key, lost_answers, "was made 2 times"
    ),
    "the ledger first": Bug(
        ("payments.refunds.requests._plan_call",),
        post_when_planned,
        quiet_night,
        "that Stripe did not",
    ),
    "give up on unknown": Bug(
        ("payments.gateway.outcomes.reschedule",), give_up, lost_answers, "was made 2 times"
    ),
    "no look-up before a new key": Bug(
        ("payments.gateway.calls._look_first",), find_nothing, replayed_errors, "was made 2 times"
    ),
    "no fence": Bug(
        ("payments.gateway.outcomes.lock_held",),
        hold_whatever,
        frozen_worker,
        "was closed and is open",
    ),
    "an event counted each time": Bug(
        (
            "payments.charges.record.record_charge",
            "payments.webhooks.handlers.record_charge",
        ),
        count_each_time,
        partly_refunded,
        "counts (",
    ),
    "a verdict that does not wait": Bug(
        (
            "payments.settlement.open_payments.list_unresolved",
            "payments.settlement.resource.list_unresolved",
        ),
        wait_for_nobody,
        late_payer,
        "was judged while",
    ),
}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_named(story: Story, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    bug = BUGS[name]
    for place in bug.places:
        monkeypatch.setattr(place, bug.by)

    found = bug.story(story)

    assert any(bug.named in breach for breach in found), found


@pytest.mark.parametrize(
    "tell", [lost_answers, replayed_errors, frozen_worker, partly_refunded, late_payer]
)
def test_the_same_stories_without_a_bug_have_nothing_to_name(
    story: Story, tell: Callable[[Story], list[str]]
) -> None:
    assert tell(story) == []
