"""What ``make run`` refuses, and what it keeps to itself."""

import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.settings import Plan, demo_settings, keep_settings, secret_key, settings_at_hand
from demo.supervision import ROOT
from tests.sandbox import free_port


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Hold a port that something listens on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port: int = holder.getsockname()[1]
        yield port


def run(instance: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "demo.runner"],
        cwd=ROOT,
        env={"PATH": "", "OCTO_INSTANCE": str(instance), **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("setting", ["PORT", "SANDBOX_PORT"])
def test_a_port_in_use_names_the_setting_that_changes_it(
    tmp_path: Path, taken_port: int, setting: str
) -> None:
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port()), setting: str(taken_port)}

    result = run(tmp_path, **ports)

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert f"port {taken_port} is in use" in result.stderr
    assert f"make run {setting}=" in result.stderr


@pytest.mark.parametrize("port", ["0", "65536", "http", "８０００", "-1"])
def test_a_port_that_is_none_is_refused_in_one_line(tmp_path: Path, port: str) -> None:
    result = run(tmp_path, PORT=port)

    assert result.returncode == 2
    assert result.stderr.startswith("octo: PORT must be a whole number from 1 to 65535")
    assert result.stderr.count("\n") == 1


def test_a_setting_that_cannot_be_is_refused_before_anything_starts(tmp_path: Path) -> None:
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}

    result = run(tmp_path, OCTO_VAT="much", **ports)

    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("octo: OCTO_VAT must be a rate")
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_sandbox_runs_alone_by_its_command(tmp_path: Path) -> None:
    settings = demo_settings(Plan(free_port(), free_port(), tmp_path), {})
    port = free_port()

    with subprocess.Popen(
        [sys.executable, "-m", "flask", "sandbox", "--port", str(port)],
        cwd=ROOT,
        env={"PATH": "", **settings},
        stdout=subprocess.PIPE,
        text=True,
    ) as sandbox:
        assert sandbox.stdout is not None
        said = sandbox.stdout.readline()
        sandbox.terminate()

    assert f"listens on http://127.0.0.1:{port}" in said
    assert sandbox.returncode == 0


def test_the_secret_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "instance" / "secret_key"

    secret = secret_key(path)

    assert len(secret) >= 48
    assert secret_key(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_demo_never_reaches_stripe_itself(tmp_path: Path) -> None:
    plan = Plan(port=8000, sandbox_port=8001, instance=tmp_path)
    mine = {"STRIPE_SECRET_KEY": "sk_live_real", "STRIPE_API_BASE": "https://api.stripe.com"}

    environ = demo_settings(plan, mine)

    assert environ["STRIPE_SECRET_KEY"].startswith("sk_test_")
    assert environ["STRIPE_API_BASE"] == "http://127.0.0.1:8001"


def test_a_command_in_another_terminal_finds_the_demo(tmp_path: Path) -> None:
    plan = Plan(port=8000, sandbox_port=8001, instance=tmp_path)
    settings = demo_settings(plan, {"STRIPE_RATE": "50"})
    keep_settings(plan, settings)

    found = settings_at_hand({"OCTO_INSTANCE": str(tmp_path)})

    assert found == settings
    assert found["STRIPE_RATE"] == "50"
    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["SECRET_KEY", "STRIPE_SECRET_KEY", "DATABASE_URL"])
def test_a_site_of_ones_own_takes_nothing_from_the_demo(tmp_path: Path, name: str) -> None:
    plan = Plan(port=8000, sandbox_port=8001, instance=tmp_path)
    keep_settings(plan, demo_settings(plan, {}))
    mine = {"OCTO_INSTANCE": str(tmp_path), name: "mine"}

    assert settings_at_hand(mine) == mine
