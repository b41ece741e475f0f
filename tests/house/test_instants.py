"""A test that depends on the day is played, whole, at the days asked for."""

from datetime import UTC, datetime

import pytest

from octo.clock import real_now
from stripe_sandbox.client import SandboxClient
from tests.instants import INSTANTS, SETTING, chosen_instants, played_at
from tests.moment import Moment
from tests.seeds import SETTING as SEED

AT = datetime(2028, 2, 29, 11, tzinfo=UTC)


def test_a_day_takes_one_instant_and_each_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "day")
    turns: list[str] = []
    for seed in range(len(INSTANTS)):
        monkeypatch.setenv(SEED, str(seed))
        turns += chosen_instants()

    assert turns == list(INSTANTS)


def test_nothing_is_moved_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING, raising=False)

    assert chosen_instants() == ()


@pytest.mark.both_engines
def test_the_site_its_database_and_its_stripe_are_there(
    moment: Moment, sandbox: SandboxClient
) -> None:
    with played_at(AT):
        sandbox.advance_to(int(AT.timestamp()))

        stripe = datetime.fromtimestamp(sandbox.now(), UTC)
        times = [real_now(), *moment.clock.both_now(), stripe]

    assert [time.date() for time in times] == [AT.date()] * 4
    assert abs((moment.clock.machine_now() - real_now()).total_seconds()) < 60
