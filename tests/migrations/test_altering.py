"""A table made anew keeps its rows, and what points to them, on both databases."""

import pytest
from flask import Flask

from octo.database import db
from payments.accounting.check import check_ledger
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.moment import Moment

pytestmark = pytest.mark.both_engines


def test_a_played_campaign_survives_every_step_down_and_up(
    app: Flask, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    make.pledge(make.live_campaign(goal=10_00, days=20), 20_00, tip=1_00)
    make.pledge(make.live_campaign(goal=1_000_00, days=20), 15_00)
    moment.advance(days=40)
    make.work()
    before = check_ledger(db.session())

    for step in (("downgrade", "0001"), ("upgrade",)):
        db.session.rollback()
        result = app.test_cli_runner().invoke(args=["db", *step])
        assert result.exit_code == 0, result.output or repr(result.exception)

    db.session.expire_all()
    assert check_ledger(db.session()) == before
    assert before.faults == ()
    assert before.movements_count >= 4
