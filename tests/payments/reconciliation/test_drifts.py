"""Every planted drift is found: so many kinds, ten of each, and nothing on true books."""

import sys
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from stripe_sandbox.client import SandboxClient
from tests.databases import Databases
from tests.payments.reconciliation.drifts import DRIFTS, Drift
from tests.payments.reconciliation.history import History, seeded
from tests.sandbox import running_sandbox
from tests.seeds import draw_seed
from tests.site import build_app, close, quickened, site_environ

PLANTS: Final = 10
SEED: Final = draw_seed()

pytestmark = pytest.mark.both_engines


@pytest.fixture(scope="module")
def history(
    engine_name: str,
    databases: Callable[[str], Databases],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[History]:
    """Play the history once per engine; every drift is planted in it and taken out again."""
    folder = tmp_path_factory.mktemp("history")
    with (
        databases(engine_name).fresh() as url,
        running_sandbox(folder / "stripe") as stripe_url,
    ):
        sandbox = SandboxClient(stripe_url, "sk_test_history")
        environ = site_environ(url, folder / "instance") | {
            "STRIPE_API_BASE": sandbox.url,
            "STRIPE_SECRET_KEY": sandbox.key,
        }
        app = quickened(build_app(environ))
        with app.app_context():
            yield History.play(app, sandbox, folder / "stripe")
        close(app)
        sandbox.close()


def find(history: History, drift: Drift) -> tuple[int, int]:
    """Plant a drift ten times, each on another row while there are any; count what is named."""
    chance = seeded(SEED, drift.name)
    found = 0
    left = PLANTS
    while left:
        rows = drift.of(history)
        batch = chance.sample(rows, min(left, len(rows)))
        expected = [drift.plant(history, row, chance) for row in batch]
        code, report = history.reconcile()
        named = {one["subject"] for one in report["differences"]}
        if code == 1:
            found += sum(bool(names & named) for names in expected)
        history.put_back()
        left -= len(batch)
    return found, PLANTS


def test_there_are_more_than_thirty_kinds() -> None:
    assert len({drift.name for drift in DRIFTS}) == len(DRIFTS) > 30


@pytest.mark.fault("F31")
@pytest.mark.slow
@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.name)
def test_every_planted_drift_is_named(history: History, drift: Drift) -> None:
    found, planted = find(history, drift)

    sys.stdout.write(f"OCTO_SEED={SEED} {drift.name}: {found} of {planted}\n")
    assert found == planted


@pytest.mark.slow
def test_nothing_is_named_once_all_is_put_back(history: History) -> None:
    code, report = history.reconcile()

    assert (code, report["differences"]) == (0, [])
