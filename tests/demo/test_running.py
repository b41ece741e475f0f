"""``make run`` whole: the demo loads, the site answers, and nothing is left behind."""

import contextlib
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from demo.sign_ins import DEMO_PASSWORD, SIGN_INS
from demo.supervision import ROOT
from tests.demo.running import Running
from tests.demo.seasons import ENDS
from tests.processes import alive, wait_until

pytestmark = pytest.mark.slow
CHECKS = (("ledger", "check"), ("reconcile",), ("demo", "verify"))


def in_background(running: Running, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=running.site_environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def flask(running: Running, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the site beside a running demo."""
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=running.site_environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_first_run_loads_the_demo_and_says_where_to_click(first_run: Path) -> None:
    said = (first_run / "loaded.log").read_text()

    assert "Octo is running" in said
    assert DEMO_PASSWORD in said
    assert [person.email for person in SIGN_INS if person.email not in said] == []
    assert "<html" in (first_run / "home.html").read_text()


def test_the_season_ends_as_a_newcomer_is_promised(first_run: Path) -> None:
    # Others copy this database meanwhile: nothing may appear beside it.
    loaded = f"file:{first_run / 'loaded' / 'octo.sqlite'}?immutable=1"
    with contextlib.closing(sqlite3.connect(loaded, uri=True)) as database:
        ends = database.execute("SELECT status, outcome FROM campaign").fetchall()
        at_the_deadline = database.execute(
            "SELECT p.name, p.status, r.reason, r.status FROM pledge p"
            " JOIN payment m ON m.pledge_id = p.id LEFT JOIN refund r ON r.payment_id = m.id"
            " WHERE p.name IN ('Nedeleg Bozec', 'Trop Tard Trividic') ORDER BY p.id"
        ).fetchall()
        sold_out = database.execute("SELECT title FROM reward WHERE taken_count = stock").fetchall()

    assert sorted(ends, key=str) == ENDS
    assert at_the_deadline == [
        ("Nedeleg Bozec", "collected", None, None),
        ("Trop Tard Trividic", "expired", "too_late", "succeeded"),
    ]
    assert sold_out == [("La trousse de Recouvrance",)]


def test_ctrl_c_stops_all_of_it(first_run: Path) -> None:
    pids = [int(pid) for pid in (first_run / "children").read_text().split()]

    assert (first_run / "done").read_text() == "0"
    assert len(pids) == 3
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


def test_a_second_run_starts_from_what_is_there_and_stops(instance: Path) -> None:
    with Running(instance) as running:
        running.wait_until_ready()
        children = running.children()

        code = running.stop(signal.SIGTERM)

    assert code == 0, running.said
    assert len(children) == 3
    assert alive(children) == []


def test_nothing_is_left_when_the_runner_is_killed(instance: Path) -> None:
    with Running(instance) as running:
        running.wait_until_ready()
        children = running.children()

        running.process.kill()
        running.process.wait()

        wait_until(lambda: not alive(children))


def test_a_worker_that_dies_stops_the_rest(instance: Path) -> None:
    with Running(instance) as running:
        running.wait_until_ready()
        children = running.children()
        worker = next(child for child in children if child.cmdline()[-1] == "worker")

        worker.kill()
        code = running.process.wait(90)

    assert code == 1
    assert "worker was killed by signal 9" in running.said
    assert alive(children) == []


def test_ctrl_c_in_the_midst_of_a_settlement_loses_nothing(instance: Path) -> None:
    with Running(instance) as running:
        running.wait_until_ready()
        moving = in_background(running, "demo", "advance", "45d")
        wait_until(lambda: "closing" in running.said or moving.poll() is not None)

        assert running.stop() == 0, running.said
        moving.wait(120)

    with Running(instance) as running:
        running.wait_until_ready()
        resumed = flask(running, "demo", "advance", "45d")
        checks = [flask(running, *command) for command in CHECKS]
        with contextlib.closing(sqlite3.connect(instance / "octo.sqlite")) as database:
            early_or_late = database.execute(
                "SELECT slug, deadline_at, closing_at FROM campaign WHERE closing_at < deadline_at"
                " OR julianday(closing_at) - julianday(deadline_at) > 1 / 24.0"
            ).fetchall()

    assert early_or_late == []
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert [c.stdout + c.stderr for c in checks if c.returncode != 0] == []
