"""What stories of faults share: a pledge one click from Stripe, and the end of all waiting."""

import json
import sys
import time
from datetime import timedelta
from typing import Any, Final, NoReturn

import pytest
import sqlalchemy as sa
from flask import Flask

from campaigns.models import Campaign
from octo.database import transaction
from payments.models import Attempt
from tests.make import Make
from tests.visitor import Visitor, choose_form, parse, refresh

PATIENCE_SECONDS: Final = 60


def finish(make: Make) -> None:
    """Work until nothing waits, as if every pause and every lease of another had passed."""
    end = time.monotonic() + PATIENCE_SECONDS
    while make.work().waiting:
        assert time.monotonic() < end, "something never came to its end"
        let_pauses_pass(make)
        time.sleep(0.05)


def let_pauses_pass(make: Make) -> None:
    """Make every open call due now."""
    with transaction() as session:
        past = make.moment.clock.machine_now() - timedelta(seconds=1)
        session.execute(
            sa.update(Attempt)
            .where(Attempt.closed_at.is_(None))
            .values(not_before=past, lease_until=None)
        )


def command(app: Flask, *arguments: str) -> tuple[int, Any]:
    """Run a command with ``--json``; return its exit code and what it said."""
    refresh()
    result = app.test_cli_runner().invoke(args=[*arguments, "--json"])
    assert result.stdout, result.exception
    refresh()
    return result.exit_code, json.loads(result.stdout)


def agreed_pledge(client: Visitor, campaign: Campaign, *, amount: str) -> dict[str, Any]:
    """Go through the pages to the last click before paying; return that request."""
    path = f"/campaigns/{campaign.slug}/pledge"
    sums = client.submit(path, {"amount": amount, "email": "lea@example.org"})
    form = choose_form(parse(sums), path, {})
    return {"path": path, "data": {**dict(form.form_values()), "agreed": "1"}}


def not_played(why: str) -> NoReturn:
    """Skip a test that this machine does not allow, with a line that is seen."""
    sys.stderr.write(f"\nNOT PLAYED: {why}\n")
    pytest.skip(why)
