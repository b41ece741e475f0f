"""The last column of ``docs/faults.md``, made from the marks of the tests.

``pytest.mark.fault("F25")`` stands on a test, or as ``pytestmark`` on all tests of a file, which is
then named whole. ``python -m tests.house.faults`` writes the column again.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from octo.config import ROOT

TESTS: Final = ROOT / "tests"
TABLE: Final = ROOT / "docs" / "faults.md"
ROW: Final = re.compile(r"^(\| (F\d+) \| [^|]+ \| [^|]+ \|)([^|]*)\|$", re.MULTILINE)

Shown = dict[str, list[str]]


def told(text: str, shown: Shown) -> str:
    """Return the document with the tests that show each fault."""

    def row(found: re.Match[str]) -> str:
        tests = " ".join(f"`{name}`" for name in shown.get(found[2], ()))
        return f"{found[1]} {tests} |"

    return ROW.sub(row, text)


def shown_by_tests(folder: Path = TESTS) -> Shown:
    """Return the tests by the fault that they are marked with."""
    shown: Shown = {}
    for file in sorted(folder.rglob("test_*.py")):
        for fault, name in _marked(ast.parse(file.read_text())):
            path = file.relative_to(folder).as_posix()
            shown.setdefault(fault, []).append(f"{path}::{name}" if name else path)
    return {fault: sorted(tests, key=lambda test: "::" in test) for fault, tests in shown.items()}


def _marked(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Give each fault of a file with the test that is marked, or nothing if the whole file is."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name("pytestmark")], value=ast.List(marks)):
                yield from ((fault, "") for fault in _faults(marks))
            case ast.Assign(targets=[ast.Name("pytestmark")], value=mark):
                yield from ((fault, "") for fault in _faults([mark]))
            case ast.FunctionDef(name=name, decorator_list=marks):
                yield from ((fault, name) for fault in _faults(marks))


def _faults(marks: Iterable[ast.expr]) -> Iterator[str]:
    for mark in marks:
        match mark:
            case ast.Call(func=ast.Attribute(attr="fault"), args=faults):
                yield from (ast.literal_eval(fault) for fault in faults)


if __name__ == "__main__":
    TABLE.write_text(told(TABLE.read_text(), shown_by_tests()))
