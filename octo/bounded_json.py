"""JSON from outside, read within bounds: what a parser or a database stumbles over is refused."""

import json
import math
from typing import Any, Final, NoReturn

LARGEST_BYTES: Final = 1_000_000
DEEPEST: Final = 50
MOST_VALUES: Final = 20_000
LONGEST_NUMBER: Final = 100


class UnreadableError(ValueError):
    """This is no JSON that can be taken."""


def read_json(raw: bytes) -> Any:
    """Read JSON within bounds, or raise ``UnreadableError``; it costs no more than its size."""
    if len(raw) > LARGEST_BYTES:
        raise UnreadableError("too long")
    try:
        found = json.loads(
            raw.decode("utf-8"),
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError) as error:
        raise UnreadableError("no JSON") from error
    _check_bounds(found)
    return found


def _whole_number(written: str) -> int:
    if len(written) > LONGEST_NUMBER:
        raise UnreadableError("a number too long")
    return int(written)


def _number(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise UnreadableError("a number too large")
    return number


def _no_constant(written: str) -> NoReturn:
    raise UnreadableError(f"{written} is not JSON")


def _check_bounds(found: Any) -> None:
    """Refuse what is too deep, too many, or holds a text that no database can store."""
    level, count = [found], 0
    for _ in range(DEEPEST):
        count += len(level)
        if count > MOST_VALUES:
            raise UnreadableError("too many values")
        below: list[Any] = []
        for value in level:
            match value:
                case str():
                    _check_storable(value)
                case dict():
                    below.extend(value)
                    below.extend(value.values())
                case list():
                    below.extend(value)
        if not below:
            return
        level = below
    raise UnreadableError("too deep")


def _check_storable(text: str) -> None:
    """Refuse a NUL and half a surrogate pair, which JSON can spell and no database can hold."""
    if any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text):
        raise UnreadableError("a text that cannot be stored")
