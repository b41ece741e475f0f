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
# Each was a word of our own for a thing that has a name in the field: the glossary has it.
DIALECT: Final = re.compile(
    r"(?:.*_)?(?:standing|occasion|differing|aftermath|afterlife|use_for_debt|give_again|wait_for|paying"
    r"|why_late|pledging|pledge_life|leaving|erasing|note_number|strangers?|by_hand|take_in"
    r"|taking_in|let_go|try_again|set_aside|told|told_act|told_at|pacer|lane|clearance"
    r"|distrust|act_key|is_form_kept)(?:_.*)?",
    re.IGNORECASE,
)
SPOKEN_IN: Final = (*PACKAGES, "tests/machine")
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


def names_given(path: Path) -> Iterator[str]:
    """Yield the names that a module gives: its own, of what it defines, and of arguments."""
    yield path.stem
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def is_dialect(name: str) -> bool:
    return DIALECT.fullmatch(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)) is not None


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


def test_names_are_words_of_the_field() -> None:
    modules = [p for p in shipped_files(".py") if named(p).startswith(SPOKEN_IN)]

    found = {
        named(path): spoken
        for path in modules
        if not named(path).startswith(OWN_CLOCK)
        and (spoken := sorted({name for name in names_given(path) if is_dialect(name)}))
    }

    assert found == {}


def test_a_planted_name_of_our_own_is_found() -> None:
    assert is_dialect("Occasion")
    assert is_dialect("_take_in")
    assert is_dialect("read_aftermath")
    assert is_dialect("AftermathSchema")
    assert not is_dialect("retold")


def test_a_planted_word_is_found() -> None:
    assert forbidden_words(f"see {Path('/') / 'work'}/octo") == ["/" + "work/"]
