"""The platform's own settings, and where each package's stand beside them.

Read once when a process starts; a bad one stops the start with one line. Every setting is
described in ``.env.example``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from octo.environment import Environment, is_address
from octo.errors import ConfigError

Part = TypeVar("Part")
PartReader = Callable[[Environment], object]

ROOT: Final = Path(__file__).resolve().parent.parent
SHORTEST_SECRET: Final = 32
SHORTEST_TOKEN: Final = 16
DEMO_MAIL: Final = "demo:"
NOBODYS_MAIL: Final = "Octo <bonjour@octo.invalid>"
_DATABASES: Final = {"sqlite", "postgresql+psycopg"}
_MAIL_FROM: Final = re.compile(r"[^<>@\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+")


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
    """Everything that is decided outside the code: the platform's own, and each package's part."""

    database_url: str
    secret_key: str
    base_url: str
    instance_path: Path
    mail_url: str
    mail_from: str
    port: int
    is_demo: bool
    metrics_token: str
    time_zone: str
    sign_in: SignInSettings
    parts: Mapping[type, object]
    currency: str = "EUR"

    def of(self, part: type[Part]) -> Part:
        """Return the part that a package declared, by its type."""
        found = self.parts[part]
        assert isinstance(found, part)
        return found


def load_settings(environ: Mapping[str, str], *, parts: Iterable[PartReader]) -> Settings:
    """Read the settings, or raise ``ConfigError`` with one line that says what to mend.

    The composition root hands in how each package reads its part; ``octo`` knows none of them.
    """
    read = Environment(environ)
    is_demo = read.flag("OCTO_DEMO", default=False)
    instance = _instance(read)
    port = read.whole_number("PORT", 8000, least=1, most=65535)
    settings = Settings(
        database_url=_database_url(read, instance),
        secret_key=read.secret("SECRET_KEY", least=SHORTEST_SECRET),
        base_url=read.address("OCTO_BASE_URL", f"http://127.0.0.1:{port}"),
        instance_path=instance,
        mail_url=_mail_url(read, is_demo=is_demo),
        mail_from=read.shaped(
            "OCTO_MAIL_FROM",
            NOBODYS_MAIL,
            shape=_MAIL_FROM,
            must_be="an address such as Octo <bonjour@example.org>",
        ),
        port=port,
        is_demo=is_demo,
        metrics_token=read.optional_secret("OCTO_METRICS_TOKEN", least=SHORTEST_TOKEN),
        time_zone=read.parsed(
            "OCTO_TIME_ZONE", "Europe/Paris", _known_time_zone, must_be="a known time zone"
        ),
        sign_in=SignInSettings(
            password_memory_kib=read.whole_number(
                "OCTO_PASSWORD_MEMORY_KIB", 19_456, least=64, most=1_048_576
            ),
            has_rate_limits=read.flag("OCTO_RATE_LIMITS", default=True),
            rate_limit_storage=read.text("OCTO_RATE_LIMIT_STORAGE", "memory://"),
        ),
        parts={type(part): part for part in (read_part(read) for read_part in parts)},
    )
    read.check_spelling()
    return settings


def _known_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(name) from error
    return name


def _instance(read: Environment) -> Path:
    path = Path(read.text("OCTO_INSTANCE", str(ROOT / "instance"))).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"OCTO_INSTANCE cannot be a folder at {path}: {error.strerror}"
        ) from error
    return path


def _database_url(read: Environment, instance: Path) -> str:
    value = read.text("DATABASE_URL", f"sqlite:///{instance / 'octo.sqlite'}")
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


def _mail_url(read: Environment, *, is_demo: bool) -> str:
    value = read.text("MAIL_URL", DEMO_MAIL if is_demo else "").strip()
    if not value:
        raise ConfigError(
            "MAIL_URL is missing: set it to smtp://user:password@host:587 (see .env.example)"
        )
    if value != DEMO_MAIL and not is_address(value, {"smtp", "smtps"}):
        raise ConfigError(
            "MAIL_URL must be smtp://host:587 or smtps://host (or demo: for the demo mailbox)"
        )
    return value
