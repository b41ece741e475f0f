"""Settlement calls per second, against the rate Stripe allows.

A failed campaign gives every pledge back while each of Stripe's answers takes 200 ms: the
sandbox waits that long, so only the engine's own pace and concurrency are measured.
"""

import time
from collections.abc import Iterator
from typing import Final

from flask import Flask

from bench.figures import Figure
from bench.places import migrate, running_site, scratch
from octo.scheduler import jobs
from tests.make import Make
from tests.moment import Moment
from tests.sandbox import SandboxClient, running_sandbox

KEY: Final = "sk_test_bench"
RATE: Final = 100
PLEDGES: Final = 400
LATENCY_MS: Final = 200
TARGET: Final = 0.97


def measure() -> Iterator[Figure]:
    """Measure the refunds of one failed campaign, on SQLite."""
    with scratch() as folder, running_sandbox(folder / "sandbox") as sandbox_url:
        sandbox = SandboxClient(sandbox_url, KEY)
        url = f"sqlite:///{folder / 'octo.sqlite'}"
        migrate(url, folder)
        settings = {
            "STRIPE_API_BASE": sandbox_url,
            "STRIPE_SECRET_KEY": KEY,
            "STRIPE_RATE": str(RATE),
            "STRIPE_RATE_ENDPOINT": str(RATE),
        }
        with running_site(url, folder, **settings) as app:
            _fail_a_campaign(app, sandbox)
            seconds = _time_of_sending(app)
        made = len(sandbox.every("/v1/refunds"))
        sandbox.close()
    assert made == PLEDGES, f"{made} refunds of {PLEDGES}"
    calls = made / seconds
    note = f"{made} refunds in {seconds:.1f} s, each answered after {LATENCY_MS} ms"
    yield Figure("settlement calls", calls, "calls/s", note=note)
    yield Figure(f"settlement calls against {RATE}/s", calls / RATE, "ratio", TARGET)


def _fail_a_campaign(app: Flask, sandbox: SandboxClient) -> None:
    moment = Moment(app, sandbox)
    make = Make(app, moment)
    campaign = make.live_campaign(goal=PLEDGES * 1000_00, days=20)
    for _ in range(PLEDGES):
        make.pledge(campaign, 15_00)
    sandbox.top_up(1000_00)
    moment.advance(days=21)
    sandbox.fault(
        method="POST", path="/v1/refunds*", action="latency", milliseconds=LATENCY_MS, times=0
    )
    for name in ("close_campaigns", "settle_campaigns"):
        while jobs(app)[name].run().done:
            continue


def _time_of_sending(app: Flask) -> float:
    begin = time.perf_counter()
    while jobs(app)["send_attempts"].run().done:
        continue
    return time.perf_counter() - begin
