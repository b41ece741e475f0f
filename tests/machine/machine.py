"""The money machine as hypothesis drives it: any step may come after any other.

A step is drawn by weight from one table, not from rules that hypothesis switches off by the
handful: a story without a payment proves nothing.
"""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from campaigns.policy.review import Act
from tests.machine.ending import DAY, HOUR, MINUTE, News, end, find_leftovers
from tests.machine.errands import Halt
from tests.machine.story import Story
from tests.machine.wire import Strike
from tests.machine.world import World

VISA: Final = "4242424242424242"
CARDS: Final = (
    *(VISA, VISA, VISA),
    "4000000000000077",  # available at once
    "4000000000000002",  # declined
    "4000002760003184",  # 3-D Secure
    "4000000000007726",  # refund pending
    "4000000000005126",  # refund fails later
    "4000000000000259",  # disputed
    "4000000000000341",  # saved, then declined
)
FAULTS: Final = (
    {"action": "error_before"},
    {"action": "error_before", "saved": True},
    {"action": "error_after"},
    {"action": "drop_before"},
    {"action": "drop_after"},
    {"action": "timeout_after_commit", "milliseconds": 1},
    {"action": "rate_limited"},
    {"action": "conflict"},
)
PATHS: Final = (
    "/v1/refunds",
    "/v1/transfers*",
    "/v1/checkout/sessions*",
    "/v1/payment_intents*",
    "/v1/*",
    "/v2/*",
)
SHORT_WAITS: Final = (2, 10, 40, 2 * MINUTE, 20 * MINUTE)
LONG_WAITS: Final = (3 * HOUR, 25 * HOUR, 2 * DAY)

_nodes = st.sampled_from((0, 1))
_campaigns = st.sampled_from((0, 0, 1, 2, 2))
_which = st.integers(0, 7)
_halts = st.sampled_from((0, 0, 0, 1)).flatmap(
    lambda halts: st.builds(Halt, st.integers(1, 3), st.booleans()) if halts else st.none()
)
_parts = st.sampled_from((None, 1_00, 5_00))
_passes = st.sampled_from(("complete", "complete", "fail"))

Weighted = tuple[int, dict[str, st.SearchStrategy[Any]]]
STEPS: Final[dict[str, Weighted]] = {
    "tick": (14, {"node": _nodes, "job": _which, "halt": _halts}),
    "pledge": (
        6,
        {
            "campaign": _campaigns,
            "amount": st.sampled_from((10_00, 15_33, 33_33)),
            "tip": st.sampled_from((0, 1_00)),
            "has_reward": st.booleans(),
            "card": st.sampled_from((*CARDS, None)),
            "node": _nodes,
            "halt": _halts,
        },
    ),
    "pay": (3, {"pledge": _which, "card": st.sampled_from(CARDS), "passes": _passes}),
    "come_back": (3, {"pledge": _which, "node": _nodes, "halt": _halts}),
    "reopen_checkout": (1, {"pledge": _which, "node": _nodes, "halt": _halts}),
    "repair": (2, {"pledge": _which, "node": _nodes, "halt": _halts}),
    "cancel": (2, {"pledge": _which, "node": _nodes}),
    "extend": (1, {"campaign": _campaigns, "days": st.integers(1, 3)}),
    "moderate": (2, {"campaign": _campaigns, "act": st.sampled_from((Act.SUSPEND, Act.RESUME))}),
    "call_off": (1, {"campaign": st.sampled_from((None, None, None, 0, 1, 2))}),
    "refund": (2, {"pledge": _which, "amount": st.sampled_from((1_00, 10_00)), "action": _which}),
    "look_after_money": (2, {"by_bank": st.booleans(), "is_debt_due": st.booleans()}),
    "refund_all": (1, {"campaign": st.sampled_from((None, None, 0, 2))}),
    "refund_externally": (2, {"pledge": _which, "amount": _parts}),
    "dispute": (1, {"pledge": _which, "kind": st.sampled_from(("fraudulent", "inquiry"))}),
    "decide_disputes": (1, {"verdict": st.sampled_from(("win", "lose", "escalate"))}),
    "reverse_externally": (1, {"amount": _parts}),
    "change_readiness": (1, {"campaign": _campaigns, "is_restored": st.booleans()}),
    "deliver": (
        4,
        {"count": st.integers(1, 12), "order": _which, "copies": st.sampled_from((1, 1, 2))},
    ),
    "lose": (1, {"count": st.integers(1, 12)}),
    "work": (3, {"node": _nodes}),
    "thaw": (3, {"which": _which}),
    "kill": (2, {"node": _nodes}),
    "strike": (
        4,
        {
            "fault": st.sampled_from(FAULTS),
            "method": st.sampled_from(("POST", "POST", "*")),
            "path": st.sampled_from(PATHS),
            "times": st.integers(1, 3),
        },
    ),
    "clear": (1, {}),
    "wait": (4, {"seconds": st.sampled_from(SHORT_WAITS)}),
    "wait_long": (2, {"seconds": st.sampled_from(LONG_WAITS)}),
    "reach_deadline": (2, {"campaign": _campaigns, "offset": st.sampled_from((-HOUR, -30, 1))}),
}


@dataclass(frozen=True)
class Step:
    """One step of a story, and what was given for it."""

    name: str
    given: dict[str, Any]

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.given.items())
        return f"{self.name}({given})"


def _step_of(name: str) -> st.SearchStrategy[Step]:
    return st.builds(Step, st.just(name), st.fixed_dictionaries(STEPS[name][1]))


steps: Final = st.sampled_from(
    [name for name, (weight, _) in STEPS.items() for _ in range(weight)]
).flatmap(_step_of)


def check(breaches: list[str]) -> None:
    """Fail with every breach there is."""
    if breaches:
        raise AssertionError("\n".join(breaches))


class MoneyMachine(RuleBasedStateMachine):
    """Backers, an owner, a moderator, a treasurer, Stripe, two workers, time and the weather."""

    world: ClassVar[World]
    count: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.story = Story(self.world)
        self.news: News | None = None

    @initialize(
        float_amount=st.sampled_from((0, 500_00)),
        news=st.sampled_from(News),
        pledges=st.lists(_step_of("pledge"), min_size=2, max_size=5),
    )
    def begin(self, float_amount: int, news: News, pledges: list[Step]) -> None:
        self.news = news
        self.story.begin(float_amount=float_amount)
        for step in pledges:
            self.do(step)

    @rule(step=steps)
    def go_on(self, step: Step) -> None:
        type(self).count += 1
        self.do(step)

    def do(self, step: Step) -> None:
        """Do a step with the people of this story; without them it is none."""
        act: Callable[..., object] = getattr(self, f"_{step.name}", None) or getattr(
            self.story, step.name
        )
        given = dict(step.given)
        if "pledge" in given:
            if not self.story.pledges:
                return
            given["pledge"] = self.story.pledges[given["pledge"] % len(self.story.pledges)]
        if given.get("campaign") is not None:
            given["campaign"] = self.story.campaigns[given["campaign"]]
        act(**given)

    @invariant()
    def money_is_conserved(self) -> None:
        if self.news is not None:
            check(self.story.look())

    def teardown(self) -> None:
        if self.news is not None and sys.exception() is None:
            end(self.story, self.news)
            check(find_leftovers(self.story))

    # --- steps that are more than one act of the story's

    def _pledge(self, card: str | None, **given: Any) -> None:
        placed = self.story.pledge(**given)
        if placed and card:
            self.story.pay(placed, card=card)

    def _pay(self, pledge: str, card: str, passes: str) -> None:
        self.story.pay(pledge, card=card, three_d_secure=passes)

    def _call_off(self, campaign: str | None) -> None:
        if campaign is not None:
            self.story.call_off(campaign)

    def _refund_all(self, campaign: str | None) -> None:
        if campaign is not None:
            self.story.refund_all(campaign)

    def _refund(self, pledge: str, amount: int, action: int) -> None:
        self.story.refund(pledge, amount=amount, action=f"{pledge}:{action}")

    def _change_readiness(self, campaign: str, *, is_restored: bool) -> None:
        (self.story.restore if is_restored else self.story.restrict)(campaign)

    def _deliver(self, count: int, order: int, copies: int) -> None:
        post = self.world.post
        post.collect()
        events, post.waiting = post.waiting[:count], post.waiting[count:]
        if order:
            random.Random(order).shuffle(events)
        post.deliver(events * copies)

    def _lose(self, count: int) -> None:
        post = self.world.post
        post.collect()
        post.lost += post.waiting[:count]
        post.waiting = post.waiting[count:]

    def _tick(self, node: int, job: int, halt: Halt | None) -> None:
        worker = self.world.nodes[node]
        self.world.job(worker, worker.jobs[job % len(worker.jobs)], halt)

    def _work(self, node: int) -> None:
        worker = self.world.nodes[node]
        for job in worker.jobs:
            self.world.job(worker, job)

    def _thaw(self, which: int) -> None:
        if self.world.frozen:
            self.world.thaw(which)

    def _kill(self, node: int) -> None:
        self.world.kill(self.world.nodes[node])

    def _strike(self, **given: Any) -> None:
        self.world.weather.strikes.append(Strike(**given))

    def _clear(self) -> None:
        self.world.weather.strikes.clear()

    def _wait_long(self, seconds: int) -> None:
        self.story.wait(seconds)
