"""Functions fit a screen; modules and test files stay small enough to be read whole."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.house.tree import named, shipped_files

MODULE_LINES: Final = 400
FUNCTION_LINES: Final = 60
TEST_FILE_LINES: Final = 500
MOST_ROOMS: Final = 24
PAYMENTS_LINES: Final = 16_000  # docs/adr/0008


def too_long(path: Path, text: str) -> Iterator[str]:
    """Yield what is longer than allowed in one Python file."""
    in_tests = path.parts[0] == "tests"
    allowed = TEST_FILE_LINES if in_tests else MODULE_LINES
    lines = text.count("\n")
    if lines > allowed and path.parts[0] != "migrations":
        yield f"{path}: {lines} lines, {allowed} allowed"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and path.parts[0] != "migrations":
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines"


def test_nothing_is_too_long() -> None:
    found = [
        complaint
        for path in shipped_files(".py")
        for complaint in too_long(Path(named(path)), path.read_text())
    ]

    assert found == []


def test_no_package_has_too_many_rooms() -> None:
    rooms = {
        package: {
            Path(named(path)).parts[1] for path in shipped_files(".py") if is_in(path, package)
        }
        for package in ("campaigns", "payments", "treasury")
    }

    assert {name: len(found) for name, found in rooms.items() if len(found) > MOST_ROOMS} == {}


def test_what_moves_money_is_no_larger_than_was_decided() -> None:
    files = [path for path in shipped_files(".py") if is_in(path, "payments")]

    assert 0 < sum(path.read_text().count("\n") for path in files) <= PAYMENTS_LINES


def is_in(path: Path, package: str) -> bool:
    return named(path).startswith(f"{package}/") and named(path) != f"{package}/__init__.py"


def test_the_limits_bite() -> None:
    long_function = "def f():\n" + "    pass\n" * FUNCTION_LINES
    long_module = "x = 1\n" * (MODULE_LINES + 1)

    assert len(list(too_long(Path("octo/a.py"), long_function))) == 1
    assert len(list(too_long(Path("octo/a.py"), long_module))) == 1
    assert list(too_long(Path("tests/a.py"), long_module)) == []
