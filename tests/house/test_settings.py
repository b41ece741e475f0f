"""Every setting is documented where its package reads it, and only real ones are."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from demo.supervision import ROOT
from tests.house.tree import PACKAGES, named, shipped_files

SETTING: Final = re.compile(r"[A-Z][A-Z0-9_]{3,}")
DOCUMENTED: Final = re.compile(r"^# ?([A-Z][A-Z0-9_]+)=", re.MULTILINE)
SECTION: Final = re.compile(r"^# --- .*\((\S+)\) -+$", re.MULTILINE)


def settings_read(module: Path) -> set[str]:
    """Return the names that a module reads through an ``Environment``."""
    tree = ast.parse(module.read_text())
    return {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and any(isinstance(part, ast.Name) and part.id == "read" for part in ast.walk(node))
        for argument in node.args
        if isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and SETTING.fullmatch(argument.value)
    }


def documented() -> Iterator[tuple[str, set[str]]]:
    """Yield each section of the example: the module that reads it, and what it names."""
    _, *parts = SECTION.split((ROOT / ".env.example").read_text())
    for module, text in zip(parts[::2], parts[1::2], strict=True):
        yield module, set(DOCUMENTED.findall(text))


def test_the_example_documents_every_setting_where_its_package_reads_it() -> None:
    read = {
        named(path): names
        for path in shipped_files(".py")
        if named(path).startswith(PACKAGES) and (names := settings_read(path))
    }
    shared = {"demo/settings.py": read["octo/config.py"]}

    said = dict(documented())

    assert {module: names - shared.get(module, set()) for module, names in read.items()} == said
    assert sum(len(names) for names in said.values()) > 25
