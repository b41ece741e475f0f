"""The season that ``flask demo load`` plays, whole, on each database."""

import pytest
from flask import Flask

from tests.demo.seasons import ENDS, states

pytestmark = pytest.mark.slow


def test_the_season_ends_as_promised_and_every_check_is_green(app: Flask) -> None:
    runner = app.test_cli_runner()

    loaded = runner.invoke(args=["demo", "load", "--json"])

    assert loaded.exit_code == 0, loaded.output
    assert sorted(states().values(), key=str) == ENDS
    for check in (["ledger", "check"], ["reconcile"], ["demo", "verify"], ["db", "check"]):
        result = runner.invoke(args=check)
        assert result.exit_code == 0, result.output
