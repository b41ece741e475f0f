"""F32: a database belongs to one Stripe account and one mode; keys and secrets may be rotated."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest
from flask import Flask
from flask.testing import FlaskClient

from octo.database import transaction
from octo.errors import ConfigError
from payments.models import StripePlatform
from stripe_sandbox.client import SandboxClient
from tests.make import Make
from tests.signing import sign
from tests.site import WEBHOOK_SECRET, build_app, close

ROOT: Final = Path(__file__).resolve().parents[3]
NEW_SECRET: Final = "whsec_the_new_one"

pytestmark = pytest.mark.fault("F32")


def start_worker(environ: dict[str, str], **changed: str) -> tuple[int, str]:
    """Start a worker as an operator does, with other settings; return its end and its words."""
    result = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--once"],
        cwd=ROOT,
        env={**os.environ, **environ, **changed},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stderr.strip().splitlines()[-1] if result.stderr else ""


@pytest.mark.slow
def test_f32_a_database_knows_its_stripe_account_and_refuses_another(
    app: Flask, environ: dict[str, str], make: Make, sandbox: SandboxClient
) -> None:
    make.pledge(make.live_campaign(), 15_00)
    make.work()

    code, line = start_worker(environ, STRIPE_SECRET_KEY="sk_test_of_somebody_else")
    rotated, _ = start_worker(environ, STRIPE_SECRET_KEY=f"{sandbox.key}_rolled2")

    assert code == 2
    assert line.startswith("octo: ")
    assert "Stripe account" in line
    assert rotated in {0, 3}


def test_f32_the_site_takes_no_pledge_with_the_key_of_another_account(
    app: Flask, environ: dict[str, str], make: Make
) -> None:
    campaign = make.live_campaign()
    make.work()
    other = build_app({**environ, "STRIPE_SECRET_KEY": "sk_test_of_somebody_else"})

    with other.app_context():
        answer = other.test_client().post(
            f"/api/v1/campaigns/{campaign.public_id}/pledges",
            json={"amount": 15_00, "email": "lea@example.org", "name": "Léa"},
            headers={"Idempotency-Key": "a-pledge-of-lea"},
        )
    close(other)

    assert answer.status_code == 503, answer.text
    assert answer.get_json()["code"] == "other_stripe"


@pytest.mark.slow
def test_f32_a_test_key_on_real_money_does_not_start(
    app: Flask, environ: dict[str, str], make: Make
) -> None:
    make.pledge(make.live_campaign(), 15_00)
    make.work()
    with transaction() as session:
        session.get_one(StripePlatform, 1).is_live = True

    with pytest.raises(ConfigError, match="real money"):
        build_app(environ)
    assert start_worker(environ)[0] == 2


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "STRIPE_WEBHOOK_SECRET": f"{WEBHOOK_SECRET},{NEW_SECRET}"}


@pytest.mark.parametrize("secret", [WEBHOOK_SECRET, NEW_SECRET])
def test_f32_while_a_secret_is_rotated_both_are_taken(client: FlaskClient, secret: str) -> None:
    payload = json.dumps({"id": "evt_1", "type": "x", "livemode": False, "data": {"object": {}}})

    answer = client.post(
        "/webhooks/stripe",
        data=payload,
        headers={"Stripe-Signature": sign(payload, secret, at=int(time.time()))},
    )

    assert answer.status_code == 200
