"""The settings of the demo, and how a command in another terminal finds them."""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.supervision import ROOT
from octo.environment import Environment

HOST: Final = "127.0.0.1"
STRIPE_KEY: Final = "sk_test_octo_demo"
LAST_PORT: Final = 65535
KEPT_NAME: Final = "demo.json"
# Who sets one of these has a site of their own in mind.
OF_A_REAL_SITE: Final = ("SECRET_KEY", "STRIPE_SECRET_KEY", "DATABASE_URL", "MAIL_URL", "OCTO_DEMO")


class StartError(Exception):
    """The demo cannot start as it is set; its text is one line that says what to change."""


@dataclass(frozen=True)
class Plan:
    """Where everything listens and is kept."""

    port: int
    sandbox_port: int
    instance: Path

    @property
    def site(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def sandbox(self) -> str:
        return f"http://{HOST}:{self.sandbox_port}"


def read_plan(environ: Mapping[str, str]) -> Plan:
    """Read where to listen, or raise ``ConfigError``; what ``make`` passes empty is not set."""
    read = Environment({name: value for name, value in environ.items() if value})
    return Plan(
        port=read.whole_number("PORT", 8000, least=1, most=LAST_PORT),
        sandbox_port=read.whole_number("SANDBOX_PORT", 8001, least=1, most=LAST_PORT),
        instance=_instance(environ),
    )


def _instance(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("OCTO_INSTANCE") or ROOT / "instance").resolve()


def demo_settings(plan: Plan, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of the demo: those of this environment, and the sandbox for Stripe."""
    secret = secret_key(plan.instance / "secret_key")
    webhook_secret = hashlib.sha256(f"webhooks:{secret}".encode()).hexdigest()
    chosen = ("OCTO_", "DATABASE_URL", "MAIL_URL", "SECRET_KEY", "STRIPE_RATE")
    return {
        "STRIPE_RATE": "100",
        "STRIPE_RATE_ENDPOINT": "100",
        "SECRET_KEY": secret,
        "OCTO_BASE_URL": plan.site,
        **{name: value for name, value in environ.items() if name.startswith(chosen)},
        "OCTO_DEMO": "1",
        "OCTO_INSTANCE": str(plan.instance),
        "PORT": str(plan.port),
        "STRIPE_SECRET_KEY": STRIPE_KEY,
        "STRIPE_API_BASE": plan.sandbox,
        "STRIPE_WEBHOOK_SECRET": f"whsec_{webhook_secret}",
    }


def secret_key(path: Path) -> str:
    """Return the demo's own secret, made on the first run and readable by its user alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_privately(path, secrets.token_urlsafe(48))
        return path.read_text()
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from error


def keep_settings(plan: Plan, settings: Mapping[str, str]) -> None:
    """Leave the settings where a command in another terminal looks for them."""
    path = plan.instance / KEPT_NAME
    path.unlink(missing_ok=True)
    _write_privately(path, json.dumps(settings))


def settings_at_hand(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment, completed by the demo's settings where none is set.

    So ``flask demo advance 45d`` works beside ``make run`` as it stands. A site that sets
    anything of its own gets nothing from here: what it lacks is refused, never guessed.
    """
    kept = _instance(environ) / KEPT_NAME
    if any(environ.get(name) for name in OF_A_REAL_SITE) or not kept.exists():
        return environ
    settings: dict[str, str] = json.loads(kept.read_text())
    return {**settings, **environ}


def _write_privately(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
