"""Settings as they are read from what a process was started with, by ``environs``.

Every package reads its own, by the kinds of value below; a bad one is refused in one line that
names it.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from environs import Env, EnvValidationError, ValidationError
from marshmallow.validate import Range, Regexp

from octo.errors import ConfigError

Value = TypeVar("Value")
# ``int()`` alone also takes ``1_000``, spaces around, and the digits of other scripts.
_DIGITS: Final = re.compile(r"[0-9]+")
_PREFIXES: Final = ("OCTO_", "STRIPE_", "MAIL_", "DATABASE_", "SECRET_")
_CLOSE: Final = 0.85
_TRUE: Final = {"1", "true", "True", "TRUE"}
_FALSE: Final = {"0", "false", "False", "FALSE"}


class _Given(Env):
    """Reads the mapping it is given, and never this process's own environment beside it."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__()
        self.given = given
        self.asked: set[str] = set()

    def _get_value(self, env_key: str, default: Any) -> Any:
        self.asked.add(env_key)
        return self.given.get(env_key, default)


class Environment:
    """What a process was started with; each method reads one setting or raises ``ConfigError``."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._env = _Given(given)

    def check_spelling(self) -> None:
        """Refuse a name that is almost a setting of ours, once all have been read."""
        ours = [name for name in self._env.given if name.startswith(_PREFIXES)]
        for name in sorted(set(ours) - self._env.asked):
            meant = difflib.get_close_matches(name, self._env.asked, n=1, cutoff=_CLOSE)
            if meant:
                raise ConfigError(f"{name} is no setting: did you mean {meant[0]}?")

    def text(self, name: str, default: str) -> str:
        """Read any text."""
        return self._env.str(name, default)

    def required(self, name: str) -> str:
        """Read a text that has no default."""
        value = self._env.str(name, "").strip()
        if not value:
            raise ConfigError(f"{name} is missing: set it in the environment (see .env.example)")
        return value

    def secret(self, name: str, *, least: int) -> str:
        """Read a secret of at least ``least`` characters; no refusal repeats it."""
        return _long_enough(name, self.required(name), least)

    def optional_secret(self, name: str, *, least: int) -> str:
        """Read a secret that may be left out; then it is empty."""
        value = self._env.str(name, "").strip()
        return _long_enough(name, value, least) if value else ""

    def shaped(self, name: str, default: str, *, shape: re.Pattern[str], must_be: str) -> str:
        """Read a text of which the whole has a shape; ``must_be`` says it in words."""
        whole = re.compile(rf"(?:{shape.pattern})\Z", shape.flags)
        return self._read(self._env.str, name, default, must_be, validate=Regexp(whole))

    def parsed(
        self, name: str, default: str, parse: Callable[[str], Value], *, must_be: str
    ) -> Value:
        """Read what ``parse`` makes of a text; it raises ``ValueError`` on one it cannot read."""
        text = self._env.str(name, default)
        try:
            return parse(text)
        except ValueError as error:
            raise ConfigError(f"{name} must be {must_be}, not {text!r}") from error

    def flag(self, name: str, *, default: bool) -> bool:
        """Read a yes or no, written 1 or 0."""
        return self._read(self._env.bool, name, default, "0 or 1", truthy=_TRUE, falsy=_FALSE)

    def whole_number(self, name: str, default: int, *, least: int, most: int) -> int:
        """Read a whole number within bounds, themselves allowed."""
        must_be = f"a whole number from {least} to {most}"
        self.shaped(name, str(default), shape=_DIGITS, must_be=must_be)
        return self._read(self._env.int, name, default, must_be, validate=Range(least, most))

    def rate(self, name: str, default: Decimal) -> Decimal:
        """Read a rate: at least nothing, and less than the whole."""
        within = Range(Decimal(0), Decimal(1), max_inclusive=False)
        must_be = "a rate such as 0.07, at least 0 and under 1"
        return self._read(self._env.decimal, name, default, must_be, validate=within)

    def address(self, name: str, default: str) -> str:
        """Read the address of a site, without the slash at its end."""
        must_be = "an http(s) address"
        value = self._read(self._env.str, name, default, must_be, validate=_demand_address)
        return value.rstrip("/")

    def _read(
        self, read: Callable[..., Any], name: str, default: Value, must_be: str, **options: Any
    ) -> Value:
        try:
            value: Value = read(name, default, **options)
        except EnvValidationError as error:
            given = self._env.str(name, "")
            raise ConfigError(f"{name} must be {must_be}, not {given!r}") from error
        return value


def is_address(value: str, schemes: set[str]) -> bool:
    """Tell whether a URL names a host, and a port that exists if any."""
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _long_enough(name: str, value: str, least: int) -> str:
    if len(value) < least:
        raise ConfigError(f"{name} is too short: at least {least} characters")
    return value


def _demand_address(value: str) -> None:
    if not is_address(value, {"http", "https"}):
        raise ValidationError(value)
