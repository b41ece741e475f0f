"""Deadline night: a failed campaign gives thousands of pledges back at Stripe's pace.

The sandbox answers after 150 or 300 ms. A tenth of the configured rate is kept for people
and look-ups, so the engine's share is nine tenths of it.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask import Flask

from bench.figures import Figure
from bench.places import DATABASES, migrate, running_site, scratch
from bench.settling import Taken
from campaigns.models import Campaign, CampaignStatus, Outcome
from octo.database import lock, transaction
from payments.gateway.rate_limiter import KEPT_FOR_PEOPLE
from stripe_sandbox.client import SandboxClient
from tests import site
from tests.crowd import AMOUNT, charge_cards, gather, movements_at
from tests.make import Make
from tests.moment import Moment
from tests.sandbox import running_sandbox

KEY: Final = "sk_test_bench"
PLEDGES: Final = 2000
RATES: Final = (100, 25)
SHORT_MS: Final = 150
LONG_MS: Final = 300
ROOT: Final = Path(__file__).parent.parent


@dataclass(frozen=True)
class Night:
    """What one settling took, and how many of its calls Stripe found too fast."""

    taken: Taken
    refunds: int
    too_fast: int


def measure() -> Iterator[Figure]:
    """Measure both databases at both rates; each begins with the same charges."""
    with scratch() as folder:
        with _sandbox(folder / "template") as sandbox:
            charge_cards(sandbox, PLEDGES)
        for name, database in DATABASES.items():
            for rate in RATES:
                place = folder / f"{name}-{rate}"
                shutil.copytree(folder / "template", place / "sandbox")
                with database(place) as url, _sandbox(place / "sandbox") as sandbox:
                    night = _settle(url, place, sandbox, rate)
                yield from _figures(name, rate, night)


@contextmanager
def _sandbox(folder: Path) -> Iterator[SandboxClient]:
    with running_sandbox(folder) as url:
        client = SandboxClient(url, KEY)
        yield client
        client.close()


def _settle(url: str, place: Path, sandbox: SandboxClient, rate: int) -> Night:
    settings = {
        **site.site_environ(url, place),
        "STRIPE_API_BASE": sandbox.url,
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_RATE": str(rate),
        "STRIPE_RATE_ENDPOINT": str(rate),
    }
    migrate(url, place)
    with running_site(url, place, **settings) as app:
        fail_campaign(app, sandbox)
    for milliseconds, action in ((SHORT_MS, "latency"), (LONG_MS - SHORT_MS, "random")):
        sandbox.fault(
            method="POST",
            path="/v1/refunds",
            action=action,
            actions=["latency"],
            rate=0.5,
            milliseconds=milliseconds,
            times=0,
        )
    taken = run_settling(settings, "--compare", "--enough", str(PLEDGES))
    sandbox.clear_faults()
    answers = [one["status"] for one in sandbox.requests() if one["path"] == "/v1/refunds"]
    return Night(
        taken=taken,
        refunds=len(sandbox.every("/v1/refunds")),
        too_fast=sum(status == 429 for status in answers),  # noqa: PLR2004
    )


def fail_campaign(app: Flask, sandbox: SandboxClient) -> None:
    """Make a campaign that missed its goal, with a pledge for each charge of the sandbox."""
    make = Make(app, Moment(app, sandbox))
    campaign = make.live_campaign(goal=10**9, is_ready=False)
    assert gather(campaign, movements_at(sandbox)) > 0
    end_campaign(campaign.id)


def end_campaign(campaign_id: int) -> None:
    """Give a campaign its verdict, as its deadline would have."""
    with transaction() as session:
        campaign = lock(session, Campaign, id=campaign_id)
        assert campaign.pledged_amount >= AMOUNT
        campaign.status = CampaignStatus.SETTLING
        campaign.outcome = Outcome.FAILED
        campaign.decided_at = campaign.closing_at = campaign.deadline_at


def run_settling(settings: dict[str, str], *arguments: str) -> Taken:
    """Run one worker's settling and return what it took."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.settling", *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Taken(**json.loads(done.stdout.splitlines()[-1]))


def _figures(name: str, rate: int, night: Night) -> Iterator[Figure]:
    taken, where = night.taken, f"{name}, {rate}/s"
    assert night.refunds == taken.outcomes == PLEDGES, night
    share = rate * (1 - KEPT_FOR_PEOPLE)
    calls = taken.outcomes / taken.seconds
    note = f"{PLEDGES} refunds in {taken.seconds:.1f} s; the share is 90 % of the rate"
    yield Figure(f"{where}: settlement against its share", calls / share, "ratio", 0.97, note=note)
    yield Figure(f"{where}: calls answered 429", 100 * night.too_fast / PLEDGES, "%", 0.1, False)
    is_target = rate == RATES[0]
    yield Figure(
        f"{where}: commits per pledge",
        taken.commits / PLEDGES,
        "commits",
        0.05 if is_target else None,
        higher_is_better=False,
        note="planning, claims, leases and outcomes; groups are cut at 500 ms",
    )
    yield Figure(
        f"{where}: CPU per 1,000 calls",
        1000 * taken.cpu_seconds / PLEDGES,
        "s",
        2.5 if is_target else None,
        higher_is_better=False,
        note="the worker's process, planning included",
    )
