"""``make run``: the Stripe sandbox, the site and a worker in one terminal, stopped together.

On the first run it migrates the database and loads the demo. Ctrl-C or SIGTERM lets the
worker finish what it has sent to Stripe, then stops everything and exits 0.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from typing import Final

from campaigns import settings as campaign_settings
from demo.sandbox import sandbox_of
from demo.settings import (
    HOST,
    Plan,
    StartError,
    demo_settings,
    keep_settings,
    read_plan,
)
from demo.sign_ins import DEMO_PASSWORD, SIGN_INS
from demo.supervision import POLL_SECONDS, ROOT, ChildError, Supervisor
from octo.config import load_settings
from octo.errors import ConfigError
from payments import settings as payment_settings
from payments.settings import StripeSettings

PARTS: Final = (*campaign_settings.PARTS, *payment_settings.PARTS)
WEBHOOK_PATH: Final = "/webhooks/stripe"
READY_SECONDS: Final = 60
SITE_THREADS: Final = 8
PYTHON_SETTINGS: Final = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def main() -> int:
    """Run until told to stop; 0 when stopped, 1 when a child died, 2 when it cannot start."""
    try:
        plan = read_plan(os.environ)
        settings = demo_settings(plan, os.environ)
        load_settings(settings, parts=PARTS)
        demand_free_port(plan.port, "PORT")
        demand_free_port(plan.sandbox_port, "SANDBOX_PORT")
        keep_settings(plan, settings)
    except (StartError, ConfigError) as error:
        sys.stderr.write(f"octo: {error}\n")
        return 2
    supervisor = Supervisor({**os.environ, **settings, **PYTHON_SETTINGS})
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.stopping.set())
    take_the_terminal()
    try:
        start(supervisor, plan, settings)
        supervisor.watch()
    except ChildError as error:
        sys.stderr.write(f"octo: {error}. Stopping the rest.\n")
        return 1
    else:
        print("\nStopping: letting the work under way finish…", flush=True)
        return 0
    finally:
        supervisor.stop("worker", "site", "loading")
        supervisor.stop()


def take_the_terminal() -> None:
    """Make Ctrl-C reach this process alone: ``make``, which started it, would call it an error."""
    if not sys.stdin.isatty() or os.getpgrp() == os.getpid():
        return
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # no shell would wake a group it does not know
    os.setpgid(0, 0)
    os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())


def start(supervisor: Supervisor, plan: Plan, settings: Mapping[str, str]) -> None:
    """Start everything in order, each once what it needs answers."""
    sandbox_files = str(plan.instance / "sandbox")
    supervisor.start(
        "sandbox", "stripe_sandbox", "--port", str(plan.sandbox_port), "--path", sandbox_files
    )
    if not wait_until_open(supervisor, plan.sandbox_port):
        return
    supervisor.finish("loading", "flask", "--app", "wsgi", "db", "upgrade")
    supervisor.finish("loading", "flask", "--app", "wsgi", "demo", "load")
    if supervisor.stopping.is_set():
        return
    register_webhooks(plan, settings)  # after the season, which begins by emptying the account
    supervisor.start(
        "site",
        *("waitress", f"--listen={HOST}:{plan.port}", f"--threads={SITE_THREADS}", "wsgi:app"),
        drain_signal=signal.SIGINT,  # on which waitress finishes the requests under way
    )
    supervisor.start("worker", "flask", "--app", "wsgi", "worker")
    if wait_until_open(supervisor, plan.port):
        print(welcome(plan), flush=True)


def demand_free_port(port: int, setting: str) -> None:
    """Refuse a port that something else listens on, and name the setting that changes it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise StartError(
                f"port {port} is in use or not allowed: choose another with {setting}, "
                f"such as `make run {setting}={port + 10}`"
            ) from error


def register_webhooks(plan: Plan, settings: Mapping[str, str]) -> None:
    """Tell the sandbox where this site takes its events, under the secret both know.

    Twice, as at Stripe: for the platform's own events and for its connected accounts'.
    """
    url, secret = plan.site + WEBHOOK_PATH, settings["STRIPE_WEBHOOK_SECRET"]
    with sandbox_of(load_settings(settings, parts=PARTS).of(StripeSettings)) as sandbox:
        for connect in (False, True):
            sandbox.add_webhook_endpoint(url, secret=secret, connect=connect)


def wait_until_open(supervisor: Supervisor, port: int) -> bool:
    """Wait until a child listens on ``port``; false when told to stop meanwhile."""
    end = time.monotonic() + READY_SECONDS
    while not supervisor.stopping.is_set():
        supervisor.check()
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return True
        if time.monotonic() > end:
            raise ChildError(f"nothing answers on port {port} after {READY_SECONDS} s")
        time.sleep(POLL_SECONDS)
    return False


def welcome(plan: Plan) -> str:
    """Say where to click and who to be."""
    people = "\n".join(
        f"    {person.role:<10} {person.email:<38} {plan.site}{person.look_at}"
        for person in SIGN_INS
    )
    return f"""
  Octo is running.

    Site       {plan.site}
    Mailbox    {plan.site}/dev/mail      every mail it would have sent
    Stripe     {plan.sandbox}      the sandbox: no real money, card 4242 4242 4242 4242

  Sign in with the password {DEMO_PASSWORD} as

{people}

  The button at the foot of the pages makes time pass; so does, in another terminal,
  `.venv/bin/flask demo advance 45d`.
  Ctrl-C stops everything.
"""


if __name__ == "__main__":
    sys.exit(main())
