"""Every setting is documented, and only real ones are."""

import ast
import re
from typing import Final

from demo.supervision import ROOT

SETTING: Final = re.compile(r"[A-Z][A-Z0-9_]{3,}")
DOCUMENTED: Final = re.compile(r"^# ?([A-Z][A-Z0-9_]+)=", re.MULTILINE)
READERS: Final = ("octo/config.py", "demo/settings.py")


def settings_read(module: str) -> set[str]:
    """Return the names that a module asks its environment for."""
    tree = ast.parse((ROOT / module).read_text())
    return {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and any(isinstance(part, ast.Name) and part.id == "environ" for part in ast.walk(node))
        for argument in node.args
        if isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and SETTING.fullmatch(argument.value)
    }


def test_the_example_documents_every_setting_and_no_other() -> None:
    read = set().union(*(settings_read(module) for module in READERS))
    documented = set(DOCUMENTED.findall((ROOT / ".env.example").read_text()))

    assert len(read) > 15
    assert documented == read
