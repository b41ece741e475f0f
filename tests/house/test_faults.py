"""``docs/faults.md`` names a test for every fault, and each of them exists."""

import ast
import re
from typing import Final

from octo.config import ROOT

TABLE: Final = ROOT / "docs" / "faults.md"
ROW: Final = re.compile(r"^\| F(\d+) \| ([^|]+) \| ([^|]+) \|([^|]*)\|$", re.MULTILINE)
NAMED: Final = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
FAULTS: Final = range(1, 38)


def rows() -> dict[int, list[tuple[str, str]]]:
    """Return the tests that each row names."""
    return {int(row[1]): NAMED.findall(row[4]) for row in ROW.finditer(TABLE.read_text())}


def is_written(path: str, name: str) -> bool:
    file = ROOT / "tests" / path
    if not file.is_file():
        return False
    tree = ast.parse(file.read_text())
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def test_every_fault_has_its_row_and_each_named_test_exists() -> None:
    named = rows()

    assert list(named) == list(FAULTS)
    assert [number for number, tests in named.items() if not tests] == []
    missing = [one for tests in named.values() for one in tests if not is_written(*one)]
    assert missing == []


def test_a_test_that_does_not_exist_is_found_out() -> None:
    assert not is_written("faults/test_f07_stripe_down.py", "test_nothing")
    assert not is_written("faults/test_nowhere.py", "test_nothing")
