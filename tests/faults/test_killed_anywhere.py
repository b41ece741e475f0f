"""F1: ``kill -9`` before any call of charge, refund or transfer; others finish, nothing twice."""

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.databases import ENGINES, Databases
from tests.faults.test_planted_bugs import SEND, SEND_CALL, send_with_fresh_key
from tests.machine.ending import News, settle_down
from tests.machine.scenes import Scene, Sweep, scene_of
from tests.machine.stores import Store, store_of
from tests.machine.story import Story
from tests.seeds import draw_seed

LEAST_CALLS: Final = 1_000
KILLS: Final = 5
"""At any call, in ``make test``; the engines share them out too."""
MANY_KILLS: Final = 200
SMALL_NIGHT: Final = ((0, 45_00), (1, 15_33), (1, 33_33), (2, 45_00), (2, 10_00))
LONG_NIGHT: Final = ((0, 10_00),) * 10 + ((1, 10_00),) * 30 + ((2, 10_00),) * 10
AVAILABLE_AT_ONCE: Final = "4000000000000077"
EVERY: Final = 20
"""Of the calls, in ``make test``; the engines share them out, one takes every second of these."""

pytestmark = [pytest.mark.fault("F1"), pytest.mark.both_engines]


def _deadline_night(story: Story, pledges: Sequence[tuple[int, int]]) -> None:
    """Have two campaigns reach their goals and one miss it; all are over, and nobody has worked.

    A pledge is the number of its campaign, of which the second misses, and an amount.
    """
    story.begin(float_amount=500_00)
    for number, amount in pledges:
        pledge = story.pledge(story.campaigns[number], amount, tip=1_00)
        assert pledge is not None
        story.pay(pledge, card=AVAILABLE_AT_ONCE)
    settle_down(story, News.BOTH)
    story.reach_deadline(story.campaigns[1], offset=1)


@pytest.fixture
def store(engine_name: str, databases: Callable[[str], Databases]) -> Iterator[Store]:
    with store_of(databases(engine_name)) as made:
        yield made


@pytest.fixture
def night(store: Store, tmp_path: Path) -> Iterator[Scene]:
    """Five pledges, of every way that money goes."""
    with scene_of(store, tmp_path, lambda story: _deadline_night(story, SMALL_NIGHT)) as scene:
        yield scene


@pytest.fixture
def long_night(store: Store, tmp_path: Path) -> Iterator[Scene]:
    """Fifty pledges, most of which go back."""
    with scene_of(store, tmp_path, lambda story: _deadline_night(story, LONG_NIGHT)) as scene:
        yield scene


@pytest.mark.slow
def test_a_settlement_killed_before_some_of_its_calls_is_finished_by_others(night: Scene) -> None:
    share = EVERY * ENGINES.index(night.store.engine)
    sweep = Sweep(night, every=EVERY * len(ENGINES), first=draw_seed() % EVERY + share)

    sweep.run()

    sys.stdout.write(f"{sweep}\n")
    assert sweep.found == []
    assert sweep.calls > LEAST_CALLS


@pytest.mark.chaos
def test_a_settlement_killed_before_any_of_its_calls_is_finished_by_others(night: Scene) -> None:
    sweep = Sweep(night)

    sweep.run()

    sys.stdout.write(f"{sweep}\n")
    assert sweep.found == []
    assert sweep.kills == sweep.calls > LEAST_CALLS


@pytest.mark.slow
@pytest.mark.parametrize("engine_name", ENGINES[:1])
def test_who_asks_again_under_a_fresh_key_is_found_out(
    night: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SEND_CALL, send_with_fresh_key)
    night.warm_up()
    for job in night.nursery.jobs:
        if job == SEND:
            break
        night.nursery.live(job)
    night.keep()
    calls = night.nursery.count(SEND)

    night.put_back()
    death = night.die(SEND, calls - calls // 4)

    assert death.is_dead
    assert any("was made 2 times" in wrong for wrong in night.finish())


@pytest.mark.slow
def test_a_settlement_killed_at_random_is_finished_by_others(long_night: Scene) -> None:
    is_first = long_night.store.engine == ENGINES[0]
    kill_at_random(long_night, KILLS - KILLS // 2 if is_first else KILLS // 2)


@pytest.mark.chaos
def test_a_settlement_killed_at_random_so_many_times_is_finished_by_others(
    long_night: Scene,
) -> None:
    kill_at_random(long_night, MANY_KILLS)


def kill_at_random(scene: Scene, kills: int) -> None:
    """Have workers die before a call drawn from all, and others finish what each has left."""
    chance = random.Random(draw_seed())
    scene.warm_up()
    calls = scene.die_anywhere(None).call
    assert calls > LEAST_CALLS
    wrong = []
    for _ in range(kills):
        scene.put_back()
        death = scene.die_anywhere(chance.randrange(calls) + 1)
        found = scene.finish()
        sys.stdout.write(f"killed at {death.call} of some {calls}, {death.before}: {found}\n")
        wrong += found

    assert wrong == []
