"""``docs/architecture.md`` says where each rule is decided, and there it is."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from octo.config import ROOT
from tests.house.tree import named, shipped_files

TABLE: Final = ROOT / "docs" / "architecture.md"
ROW: Final = re.compile(r"^\| ([^|`]+) \| `([\w/]+\.py)` \| `(\w+)` \|$", re.MULTILINE)
RULES: Final = ROW.findall(TABLE.read_text())
LEAST_RULES: Final = 20
NOT_PURE: Final = ("flask", "sqlalchemy", "octo.database", "octo.clock", "octo.runtime")


def defined_in(path: Path) -> set[str]:
    """Return the functions and methods that a module defines."""
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def imported_by(path: Path) -> set[str]:
    """Return the modules that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def is_policy(path: Path) -> bool:
    return "policy" in path.with_suffix("").parts


def test_the_table_has_the_rules_a_newcomer_looks_for() -> None:
    assert len({rule for rule, _, _ in RULES}) == len(RULES) >= LEAST_RULES


@pytest.mark.parametrize(("rule", "path", "function"), RULES)
def test_a_rule_is_decided_where_the_table_says(rule: str, path: str, function: str) -> None:
    assert function in defined_in(ROOT / path), rule


def test_policy_knows_no_session_no_clock_and_no_request() -> None:
    policies = [path for path in shipped_files(".py") if is_policy(Path(named(path)))]
    assert len(policies) > 1

    impure = {
        named(path): imported
        for path in policies
        if (imported := {one for one in imported_by(path) if one.startswith(NOT_PURE)})
    }

    assert impure == {}
