"""Settings, read once from the environment; a bad one stops the start with one line.

Every setting is described in ``.env.example``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from octo.errors import ConfigError

ROOT: Final = Path(__file__).resolve().parent.parent
STRIPE_ITSELF: Final = "https://api.stripe.com"
SHORTEST_SECRET: Final = 32
SHORTEST_TOKEN: Final = 16
DEMO_MAIL: Final = "demo:"
_DATABASES: Final = {"sqlite", "postgresql+psycopg"}
_INSTALLATION: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_MAIL_FROM: Final = re.compile(r"[^<>@\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+")


@dataclass(frozen=True)
class Rules:
    """The rules of a campaign that an operator may set; amounts in minor units."""

    supporters_needed: int = 3
    longest_days: int = 60
    on_pledge_longest_days: int = 76
    on_success_longest_days: int = 90
    repair_days: int = 7
    platform_fee_rate: Decimal = Decimal("0.07")
    vat_rate: Decimal = Decimal("0.20")
    checkout_minutes: int = 30
    cancel_locked_hours: int = 24
    outage_extension_hours: int = 72
    currency: str = "EUR"
    time_zone: str = "Europe/Paris"


@dataclass(frozen=True)
class StripeSettings:
    """How to reach Stripe, or the sandbox that stands in for it; rates in calls per second."""

    secret_key: str
    api_base: str
    webhook_secrets: tuple[str, ...]
    rate: int
    rate_endpoint: int
    installation: str
    calls_in_flight: int

    @property
    def is_live(self) -> bool:
        """Tell whether the key moves real money."""
        return self.secret_key.startswith(("sk_live_", "rk_live_"))

    @property
    def is_sandbox(self) -> bool:
        """Tell whether calls go anywhere else than to Stripe itself."""
        return self.api_base != STRIPE_ITSELF


@dataclass(frozen=True)
class SignInSettings:
    """How dear a password is to try, in memory and in tries.

    ``rate_limit_storage`` counts tries in each process unless it names a store that all
    processes share, such as ``redis://host``.
    """

    password_memory_kib: int
    has_rate_limits: bool
    rate_limit_storage: str


@dataclass(frozen=True)
class Settings:
    """Everything that is decided outside the code."""

    database_url: str
    secret_key: str
    base_url: str
    instance_path: Path
    mail_url: str
    mail_from: str
    port: int
    is_demo: bool
    metrics_token: str
    stripe: StripeSettings
    rules: Rules
    sign_in: SignInSettings


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings, or raise ``ConfigError`` with one line that says what to mend."""
    is_demo = _flag(environ, "OCTO_DEMO")
    instance = _instance(environ)
    port = _integer(environ, "PORT", 8000, least=1, most=65535)
    return Settings(
        database_url=_database_url(environ, instance),
        secret_key=_secret_key(environ),
        base_url=_url(environ, "OCTO_BASE_URL", f"http://127.0.0.1:{port}"),
        instance_path=instance,
        mail_url=_mail_url(environ, is_demo=is_demo),
        mail_from=_shaped(
            environ,
            "OCTO_MAIL_FROM",
            "Octo <bonjour@octo.invalid>",
            _MAIL_FROM,
            "an address such as Octo <bonjour@example.org>",
        ),
        port=port,
        is_demo=is_demo,
        metrics_token=_metrics_token(environ),
        stripe=_stripe(environ),
        rules=_rules(environ),
        sign_in=SignInSettings(
            password_memory_kib=_integer(
                environ, "OCTO_PASSWORD_MEMORY_KIB", 19_456, least=64, most=1_048_576
            ),
            has_rate_limits=_flag(environ, "OCTO_RATE_LIMITS", default="1"),
            rate_limit_storage=environ.get("OCTO_RATE_LIMIT_STORAGE", "memory://"),
        ),
    )


def _stripe(environ: Mapping[str, str]) -> StripeSettings:
    secret_key = _required(environ, "STRIPE_SECRET_KEY")
    api_base = _url(environ, "STRIPE_API_BASE", STRIPE_ITSELF)
    is_live = secret_key.startswith(("sk_live_", "rk_live_"))
    if not is_live and not secret_key.startswith(("sk_test_", "rk_test_")):
        raise ConfigError("STRIPE_SECRET_KEY must start with sk_test_ or sk_live_")
    if is_live and api_base != STRIPE_ITSELF:
        raise ConfigError(
            "STRIPE_SECRET_KEY is a live key but STRIPE_API_BASE is not Stripe: "
            "use a test key, or remove STRIPE_API_BASE"
        )
    secrets = tuple(
        s.strip() for s in _required(environ, "STRIPE_WEBHOOK_SECRET").split(",") if s.strip()
    )
    if not secrets or not all(s.startswith("whsec_") for s in secrets):
        raise ConfigError(
            "STRIPE_WEBHOOK_SECRET must be one or more whsec_… secrets, comma-separated"
        )
    rate = _integer(environ, "STRIPE_RATE", 25, least=1, most=10_000)
    return StripeSettings(
        secret_key=secret_key,
        api_base=api_base,
        webhook_secrets=secrets,
        rate=rate,
        rate_endpoint=_integer(
            environ, "STRIPE_RATE_ENDPOINT", min(rate, 25), least=1, most=10_000
        ),
        installation=_shaped(
            environ,
            "OCTO_INSTALLATION",
            "octo",
            _INSTALLATION,
            "1 to 32 letters, digits, - or _",
        ),
        calls_in_flight=_integer(
            environ, "OCTO_CALLS_IN_FLIGHT", _enough_in_flight(rate), least=1, most=200
        ),
    )


def _enough_in_flight(rate: int) -> int:
    """Return how many calls fill the rate when each takes half a second, within reason."""
    return min(max(24, rate // 2), 50)


def _rules(environ: Mapping[str, str]) -> Rules:
    default = Rules()
    time_zone = environ.get("OCTO_TIME_ZONE", default.time_zone)
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(f"OCTO_TIME_ZONE is not a known time zone: {time_zone}") from error
    return Rules(
        supporters_needed=_integer(
            environ, "OCTO_SUPPORTERS_NEEDED", default.supporters_needed, least=0, most=1000
        ),
        longest_days=_integer(environ, "OCTO_LONGEST_DAYS", default.longest_days, least=1, most=90),
        on_pledge_longest_days=_integer(
            environ, "OCTO_ON_PLEDGE_LONGEST_DAYS", default.on_pledge_longest_days, least=1, most=76
        ),
        on_success_longest_days=_integer(
            environ,
            "OCTO_ON_SUCCESS_LONGEST_DAYS",
            default.on_success_longest_days,
            least=1,
            most=90,
        ),
        repair_days=_integer(environ, "OCTO_REPAIR_DAYS", default.repair_days, least=1, most=30),
        platform_fee_rate=_rate(environ, "OCTO_PLATFORM_FEE", default.platform_fee_rate),
        vat_rate=_rate(environ, "OCTO_VAT", default.vat_rate),
        cancel_locked_hours=_integer(
            environ, "OCTO_CANCEL_LOCKED_HOURS", default.cancel_locked_hours, least=0, most=720
        ),
        outage_extension_hours=_integer(
            environ,
            "OCTO_OUTAGE_EXTENSION_HOURS",
            default.outage_extension_hours,
            least=0,
            most=168,
        ),
        time_zone=time_zone,
    )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is missing: set it in the environment (see .env.example)")
    return value


def _secret_key(environ: Mapping[str, str]) -> str:
    value = _required(environ, "SECRET_KEY")
    if len(value) < SHORTEST_SECRET:
        raise ConfigError(f"SECRET_KEY is too short: at least {SHORTEST_SECRET} characters")
    return value


def _metrics_token(environ: Mapping[str, str]) -> str:
    value = environ.get("OCTO_METRICS_TOKEN", "").strip()
    if value and len(value) < SHORTEST_TOKEN:
        raise ConfigError(f"OCTO_METRICS_TOKEN is too short: at least {SHORTEST_TOKEN} characters")
    return value


def _instance(environ: Mapping[str, str]) -> Path:
    path = Path(environ.get("OCTO_INSTANCE", str(ROOT / "instance"))).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"OCTO_INSTANCE cannot be a folder at {path}: {error.strerror}"
        ) from error
    return path


def _shaped(
    environ: Mapping[str, str], name: str, default: str, shape: re.Pattern[str], must_be: str
) -> str:
    value = environ.get(name, default)
    if not shape.fullmatch(value):
        raise ConfigError(f"{name} must be {must_be}, not {value!r}")
    return value


def _database_url(environ: Mapping[str, str], instance: Path) -> str:
    value = environ.get("DATABASE_URL", f"sqlite:///{instance / 'octo.sqlite'}")
    value = value.replace("postgres://", "postgresql+psycopg://", 1)
    value = value.replace("postgresql://", "postgresql+psycopg://", 1)
    try:
        url = sa.make_url(value)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            "DATABASE_URL is not a database URL, such as postgresql://user@host/octo"
        ) from error
    if url.drivername not in _DATABASES:
        raise ConfigError(f"DATABASE_URL names {url.drivername}: Octo runs on sqlite or postgresql")
    if url.database in {None, "", ":memory:"}:
        raise ConfigError("DATABASE_URL names no database: end it in /octo, or in a file's path")
    if url.drivername == "sqlite" and not Path(str(url.database)).parent.is_dir():
        raise ConfigError(f"DATABASE_URL names a file in no folder: {url.database}")
    return value


def _url(environ: Mapping[str, str], name: str, default: str) -> str:
    value = environ.get(name, default).rstrip("/")
    if not _is_address(value, {"http", "https"}):
        raise ConfigError(f"{name} is not an http(s) address: {value}")
    return value


def _is_address(value: str, schemes: set[str]) -> bool:
    """Tell whether a URL names a host, and a port that exists if any."""
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _mail_url(environ: Mapping[str, str], *, is_demo: bool) -> str:
    value = environ.get("MAIL_URL", DEMO_MAIL if is_demo else "").strip()
    if not value:
        raise ConfigError(
            "MAIL_URL is missing: set it to smtp://user:password@host:587 (see .env.example)"
        )
    if value != DEMO_MAIL and not _is_address(value, {"smtp", "smtps"}):
        raise ConfigError(
            "MAIL_URL must be smtp://host:587 or smtps://host (or demo: for the demo mailbox)"
        )
    return value


def _flag(environ: Mapping[str, str], name: str, default: str = "0") -> bool:
    value = environ.get(name, default).lower()
    if value not in {"0", "1", "false", "true"}:
        raise ConfigError(f"{name} must be 0 or 1")
    return value in {"1", "true"}


def _integer(environ: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    raw = environ.get(name, str(default))
    if not raw.isascii() or not raw.isdecimal() or not least <= int(raw) <= most:
        raise ConfigError(f"{name} must be a whole number from {least} to {most}, not {raw!r}")
    return int(raw)


def _rate(environ: Mapping[str, str], name: str, default: Decimal) -> Decimal:
    raw = environ.get(name, str(default))
    try:
        value = Decimal(raw)
    except InvalidOperation as error:
        raise ConfigError(f"{name} must be a rate such as 0.07, not {raw!r}") from error
    if not value.is_finite() or not 0 <= value < 1:
        raise ConfigError(f"{name} must be at least 0 and under 1, not {raw!r}")
    return value
