"""``python -m stripe_sandbox``: one line when ready, one when it cannot be, and a clean end."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import stripe

from demo.supervision import ROOT
from tests.sandbox import free_port


def start(folder: Path, port: int, **environ: str) -> "subprocess.Popen[str]":
    arguments = ["-m", "stripe_sandbox", "--port", str(port), "--path", str(folder)]
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def client_of(port: int) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_program", base_addresses={"api": f"http://127.0.0.1:{port}"}
    )


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_ends_when_told(
    tmp_path: Path, ending: signal.Signals
) -> None:
    port = free_port()
    with start(tmp_path, port) as process:
        assert f"http://127.0.0.1:{port}" in read_line(process)
        client_of(port).v1.balance.retrieve()

        process.send_signal(ending)

        _, complaints = process.communicate(timeout=10)
    assert process.returncode == 0
    assert complaints == ""


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    port = free_port()
    with start(tmp_path / "a", port) as first:
        read_line(first)
        with start(tmp_path / "b", port) as second:
            _, complaint = second.communicate(timeout=20)
        first.terminate()

    assert second.returncode == 2
    assert complaint.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}" in complaint


def test_what_it_knew_survives_a_kill(tmp_path: Path) -> None:
    port = free_port()
    with start(tmp_path, port) as process:
        read_line(process)
        client_of(port).v1.topups.create({"amount": 10_00, "currency": "eur"})
        process.kill()

    with start(tmp_path, port) as process:
        read_line(process)
        available = client_of(port).v1.balance.retrieve().available
        process.terminate()

    assert [share.amount for share in available] == [10_00]


def test_pages_may_be_reached_at_another_address_than_the_api(tmp_path: Path) -> None:
    port = free_port()
    with start(tmp_path, port, OCTO_SANDBOX_PUBLIC_URL="https://stripe.octo.example/") as process:
        read_line(process)
        session = client_of(port).v1.checkout.sessions.create(
            {"mode": "setup", "currency": "eur", "success_url": "https://octo.example/"}
        )
        process.terminate()

    assert str(session.url).startswith("https://stripe.octo.example/c/pay/acct_")


def test_nobody_is_answered_without_a_key(sandbox_url: str) -> None:
    for path in ("/v1/balance", "/_sandbox/clock", "/v2/core/accounts"):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f"{sandbox_url}{path}")  # noqa: S310
        assert refusal.value.code == 401


@pytest.mark.slow
def test_more_accounts_than_are_kept_open_lose_nothing(sandbox_url: str) -> None:
    clients = [
        stripe.StripeClient(f"sk_test_crowd_{n}", base_addresses={"api": sandbox_url})
        for n in range(70)
    ]
    for amount, client in enumerate(clients, 1):
        client.v1.topups.create({"amount": amount, "currency": "eur"})

    seen = [client.v1.balance.retrieve().available[0].amount for client in clients]

    assert seen == list(range(1, 71))
