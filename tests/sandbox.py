"""The Stripe sandbox as tests use it: one process a worker, one key and account a test."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from demo.supervision import GUARD, ROOT

HERE: Final = "127.0.0.1"
START_SECONDS: Final = 60
STOP_SECONDS: Final = 20
CALL_SECONDS: Final = 60
LONGEST_REST_SECONDS: Final = 30
PAGE_SIZE: Final = 100
VISA: Final = "4242424242424242"

Json = Any


def free_port() -> int:
    """Find a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_sandbox(folder: Path, *, host: str = HERE) -> Iterator[str]:
    """Run a sandbox that dies with this process, and give its address on this machine."""
    port = free_port()
    lifeline, held = os.pipe()
    arguments = ["stripe_sandbox", "--host", host, "--port", str(port), "--path", str(folder)]
    with (
        (folder.parent / f"sandbox-{port}.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, str(GUARD), str(lifeline), *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lifeline,),
            process_group=0,
        ) as process,
    ):
        try:
            _wait_until_open(process, port, Path(log.name))
            yield f"http://{HERE}:{port}"
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
            os.close(lifeline)
            os.close(held)


def _wait_until_open(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((HERE, port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"the sandbox did not start:\n{log.read_text()}")


class SandboxError(AssertionError):
    """The sandbox refused what a test asked of it."""


class SandboxClient:
    """The sandbox's own door for one test account: its clock, faults, cards and records."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(
            parts.hostname, parts.port, timeout=CALL_SECONDS
        )
        self._rests_since = time.monotonic()

    def get(self, path: str, /, **query: object) -> Json:
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, /, **body: object) -> Json:
        return self._call("POST", path, body)

    def delete(self, path: str) -> Json:
        return self._call("DELETE", path)

    def every(self, path: str, /, **query: object) -> list[Json]:
        """Return every object of one of Stripe's lists, page after page."""
        found: list[Json] = []
        after: dict[str, object] = {}
        while True:
            page = self.get(path, limit=PAGE_SIZE, **query, **after)
            found += page["data"]
            if not page["has_more"]:
                return found
            after = {"starting_after": found[-1]["id"]}

    def now(self) -> int:
        """Return the account's business time in seconds since 1970."""
        return int(self.get("/_sandbox/clock")["now"])

    def advance(self, seconds: int) -> None:
        self.post("/_sandbox/clock/advance", seconds=seconds)

    def advance_to(self, epoch: int) -> None:
        """Move business time alone: idempotency keys grow no older by it."""
        self.post("/_sandbox/clock/advance", to=epoch, keeps_keys=True)

    def pay(self, checkout_id: str, *, card: str = VISA, three_d_secure: str = "complete") -> Json:
        """Do what a backer does on the hosted checkout page."""
        return self.post(
            f"/_sandbox/checkout/{checkout_id}/pay", card=card, three_d_secure=three_d_secure
        )

    def onboard(self, account_id: str) -> Json:
        """Do what an owner does on the hosted onboarding page."""
        return self.post(f"/_sandbox/accounts/{account_id}/onboard")

    def restrict(self, account_id: str) -> Json:
        """Take an owner's readiness away, as Stripe may at any time."""
        return self.post(f"/_sandbox/accounts/{account_id}/restrict")

    def top_up(self, amount: int, currency: str = "eur") -> Json:
        """Put the operator's own money on the platform's balance."""
        return self._call("POST", "/v1/topups", form={"amount": amount, "currency": currency})

    def call_stripe(self, path: str, **form: object) -> Json:
        """Do what someone does by hand in Stripe's dashboard."""
        return self._call("POST", path, form=form)

    def fault(self, **rule: object) -> Json:
        return self.post("/_sandbox/faults", **rule)

    def clear_faults(self) -> None:
        self.delete("/_sandbox/faults")

    def deliver_webhooks(self) -> Json:
        """Send every event that is due, before answering."""
        return self.post("/_sandbox/webhooks/deliver")

    def requests(self) -> list[Json]:
        """Return the log of the calls made to Stripe's own API."""
        return list(self.get("/_sandbox/requests")["requests"])

    def close(self) -> None:
        self._connection.close()

    def _call(
        self,
        method: str,
        path: str,
        body: dict[str, object] | None = None,
        *,
        form: dict[str, object] | None = None,
    ) -> Json:
        kind = "application/json" if form is None else "application/x-www-form-urlencoded"
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": kind}
        sent = urlencode(form) if form is not None else None
        if body is not None:
            sent = json.dumps(body)
        if time.monotonic() - self._rests_since > LONGEST_REST_SECONDS:
            self._connection.close()  # the server may have; it is opened again by itself
        self._connection.request(method, path, sent, headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        self._rests_since = time.monotonic()
        if response.status >= http.client.BAD_REQUEST:
            raise SandboxError(f"{method} {path}: {response.status} {text}")
        return json.loads(text) if text else None
