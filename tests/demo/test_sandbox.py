"""What the demo says when the sandbox is away or refuses, and of a card it does not take."""

import json
from typing import Any

import pytest
from flask import Flask

from demo.sandbox import try_card
from stripe_sandbox.client import VISA, SandboxClient, SandboxRefusedError
from tests.make import Make
from tests.sandbox import free_port


def refusal_of(app: Flask) -> dict[str, Any]:
    result = app.test_cli_runner().invoke(args=["demo", "verify", "--json"])
    assert result.exit_code == 1, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


@pytest.fixture
def away(environ: dict[str, str]) -> None:
    """Point the site to where no sandbox listens."""
    environ["STRIPE_API_BASE"] = f"http://127.0.0.1:{free_port()}"


@pytest.mark.usefixtures("away")
def test_a_sandbox_that_is_away_is_said_so(app: Flask) -> None:
    assert refusal_of(app) == {
        "error": "The Stripe sandbox does not answer.",
        "code": "sandbox_away",
        "field": None,
    }


def test_what_the_sandbox_refuses_is_one_line(app: Flask, sandbox: SandboxClient) -> None:
    sandbox.fault(method="GET", path="/v1/refunds", action="rate_limited")

    told = refusal_of(app)

    assert told["code"] == "sandbox_refused"
    assert told["error"].startswith("the Stripe sandbox answered 429: {")
    assert "\n" not in told["error"]


def test_only_a_card_that_pays_is_taken(make: Make, sandbox: SandboxClient) -> None:
    page = make.open_checkout(make.pending_pledge(make.live_campaign(), 10_00))
    no_card, declined = "1234", "4000000000000002"

    tried = [
        try_card(sandbox, page, card=card, three_d_secure="complete")
        for card in (no_card, declined, VISA)
    ]

    assert tried == [False, False, True]
    with pytest.raises(SandboxRefusedError, match="is complete"):
        try_card(sandbox, page, card=VISA, three_d_secure="complete")
