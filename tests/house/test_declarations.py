"""Each package declares its jobs, limits and alerts, and each of them has a name of its own."""

import re
from collections import Counter
from typing import Final

import pytest
from flask import Flask
from limits import parse_many

from octo.scheduler import Job, JobReport, jobs, register_job
from octo.web.limits import declare_limit, declared
from tests.house.test_operations import alert_codes
from tests.house.tree import PACKAGES, named, shipped_files

NAME: Final = re.compile(r"[a-z]+(_[a-z]+)*")
LONGEST_INTERVAL_SECONDS: Final = 3600
LIMITS: Final = "octo/web/limits.py"
UNDECLARED: Final = re.compile(r"\blimiter\.(limit|shared_limit)\(")


def test_each_job_has_a_name_and_an_interval(app: Flask) -> None:
    assert len(jobs(app)) > 10
    for name, job in jobs(app).items():
        assert name == job.name
        assert NAME.fullmatch(name)
        assert 0 < job.every_seconds <= LONGEST_INTERVAL_SECONDS


def test_a_job_is_registered_once(app: Flask) -> None:
    with pytest.raises(AssertionError, match="watch"):
        register_job(app, Job("watch", JobReport, every_seconds=1))


def test_each_limit_has_a_name_and_a_rate(app: Flask) -> None:
    assert len(declared) > 7
    for name, limit in declared.items():
        assert NAME.fullmatch(name.replace(" ", "_"))
        assert parse_many(limit.rate)


def test_a_limit_is_declared_once() -> None:
    with pytest.raises(AssertionError, match="sign in"):
        declare_limit("sign in", "1 per hour")


def test_no_view_is_limited_but_by_what_is_declared() -> None:
    found = [
        named(path)
        for path in shipped_files(".py")
        if named(path).startswith(PACKAGES)
        and named(path) != LIMITS
        and UNDECLARED.search(path.read_text())
    ]

    assert found == []


def test_each_alert_is_raised_in_one_place() -> None:
    raised = Counter(alert_codes())

    assert [code for code, times in raised.items() if times > 1] == []
    assert all(NAME.fullmatch(code) for code in raised)
