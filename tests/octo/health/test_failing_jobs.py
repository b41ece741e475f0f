"""A job that fails again and again wakes somebody, and says no more once it has come through."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from octo.database import transaction
from octo.scheduler import Job, JobReport
from octo.worker import Ticker
from tests.make import Make
from tests.visitor import Visitor, refresh

pytestmark = pytest.mark.both_engines


class Fickle:
    """A job's work, which fails as long as it is told to."""

    is_broken = True

    def run(self) -> JobReport:
        if self.is_broken:
            raise ZeroDivisionError
        return JobReport()


def alarms(client: Visitor) -> list[str]:
    refresh()
    told: Any = client.get("/alerts").json
    return [one["what"] for one in told["reasons"] if one["code"] == "job_failing"]


def let_minutes_pass() -> None:
    """Have the first failure be minutes old."""
    refresh()
    with transaction() as session:
        earlier = {"at": "2020-01-01 00:00:00+00:00"}
        statement = "UPDATE heartbeat SET alive_since = :at WHERE name LIKE 'failing:%'"
        session.execute(sa.text(statement), earlier)


def test_a_job_that_goes_on_failing_is_named_until_it_comes_through(
    app: Flask, make: Make, client: Visitor
) -> None:
    make.work()
    work = Fickle()
    one, other = (Ticker(app, Job("mend_nets", work.run, every_seconds=1)) for _ in range(2))

    one.tick()
    assert alarms(client) == [], "once is met by the next try"
    let_minutes_pass()
    one.tick()
    assert [what for what in alarms(client) if "mend_nets" in what] != []

    work.is_broken = False
    other.tick()
    assert alarms(client) == []
    work.is_broken = True
    one.tick()
    assert alarms(client) == [], "it fails anew, since a moment"
