"""What the tree must not say, and the one place that may ask the machine for the time."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.house.tree import PACKAGES, named, shipped_files

TEXT: Final = (".py", ".md", ".toml", ".txt", ".in", ".jinja", ".html", ".css", ".yaml", ".po", "")
# Where packages come from is the business of who installs; a path of one machine is nobody's.
FORBIDDEN: Final = re.compile(
    "|".join(
        [
            r"pypi\.(org|python\.org)",
            r"files\.python" + "hosted",
            r"registry\.npm" + r"js\.org",
            r"deb\.debian" + r"\.org",
            "--extra-" + "index-url",
            "/" + "work/",
            "/" + "opt/pypi",
            r"issue #\d",
        ]
    ),
    re.IGNORECASE,
)
CLOCK_MODULE: Final = "octo/clock.py"
OWN_CLOCK: Final = ("stripe_sandbox/",)  # a program of its own: it stands in for Stripe


def forbidden_words(text: str) -> list[str]:
    return [match.group() for match in FORBIDDEN.finditer(text)]


def clock_calls(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that ask this machine for the date or the time of day."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value
        name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        asks_for_now = node.func.attr in {"now", "utcnow", "today"} and name in {"datetime", "date"}
        if asks_for_now or (name == "time" and node.func.attr in {"time", "time_ns"}):
            yield node.lineno


def test_no_file_names_a_registry_or_one_machine() -> None:
    found = {
        named(path): words
        for path in shipped_files(*TEXT)
        if path.name != "LICENSE" and (words := forbidden_words(path.read_text()))
    }

    assert found == {}


def test_only_the_clock_asks_for_the_time() -> None:
    modules = [p for p in shipped_files(".py") if named(p).startswith(PACKAGES)]

    found = [
        f"{named(path)}:{line}"
        for path in modules
        if named(path) != CLOCK_MODULE and not named(path).startswith(OWN_CLOCK)
        for line in clock_calls(ast.parse(path.read_text()))
    ]

    assert found == []


@pytest.mark.parametrize(
    "line", ["datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()", "time.time()"]
)
def test_a_planted_clock_is_found(line: str) -> None:
    assert list(clock_calls(ast.parse(line))) == [1]


def test_a_planted_word_is_found() -> None:
    assert forbidden_words(f"see {Path('/') / 'work'}/octo") == ["/" + "work/"]
