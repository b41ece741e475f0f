"""The whole money machine, whatever happens to it in whatever order.

Two workers, backers, an owner, a treasurer, Stripe's dashboard, the post, the weather and time take
turns as a seed says. After each step the money adds up; at the end of each story everything has
come to its end, exactly once. ``make replay SEED=…`` tells the same stories again.
"""

import itertools
import sys
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import MoneyMachine
from tests.machine.world import World
from tests.seeds import draw_seed

STEPS_OF_A_STORY: Final = 50
STEPS: Final = 500
MANY_STEPS: Final = 10_000
"""On each database."""

pytestmark = pytest.mark.both_engines


def tell_stories(world: World, *, steps: int) -> None:
    """Tell so many steps of stories from a seed, in chapters: a story may end early."""
    told_from = draw_seed()

    class Machine(MoneyMachine):
        pass

    Machine.world = world
    Machine.count = 0
    for chapter in itertools.count(told_from):
        seed(chapter)(Machine)
        run_state_machine_as_test(Machine, settings=_length(steps - Machine.count))
        if Machine.count >= steps:
            break

    sys.stdout.write(f"{Machine.count} steps\n")


def _length(steps: int) -> settings:
    return settings(
        max_examples=steps // STEPS_OF_A_STORY + 1,
        stateful_step_count=STEPS_OF_A_STORY,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.fault("F1")
@pytest.mark.slow
def test_money_is_conserved_whatever_happens(world: World) -> None:
    tell_stories(world, steps=STEPS)


@pytest.mark.chaos
def test_money_is_conserved_for_long(world: World) -> None:
    tell_stories(world, steps=MANY_STEPS)
