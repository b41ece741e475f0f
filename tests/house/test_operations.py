"""``docs/operations.md`` gives no command that does not exist, and knows every alert."""

import ast
import re
import shlex
from collections.abc import Iterator
from typing import Final

import click
import pytest
from flask import Flask

from octo.config import ROOT
from tests.house.tree import PACKAGES, named, shipped_files

GUIDE: Final = ROOT / "docs" / "operations.md"
FENCED: Final = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ALERTS: Final = {"Alert", "LongestTime"}
OTHER_PROGRAMS: Final = {"make", "gunicorn", "sqlite3", "pg_dump"}


def commands(text: str) -> list[str]:
    return [line for block in FENCED.findall(text) for line in block.splitlines() if line]


def check(app: Flask, line: str) -> None:
    """Parse a line as its program would; raises ``click.UsageError`` where it would refuse it."""
    program, *words = shlex.split(line, comments=True)
    if program in OTHER_PROGRAMS:
        return
    assert program == "flask", line
    command: click.Command = app.cli
    context = click.Context(command)
    while isinstance(command, click.Group):
        word = words.pop(0)
        found = command.get_command(context, word)
        if found is None:
            raise click.UsageError(f"no command {word}")
        command, context = found, click.Context(found, parent=context, info_name=word)
    _, left, _ = command.make_parser(context).parse_args(words)
    if left:
        raise click.UsageError(f"too many words: {left}")


def alert_codes() -> Iterator[str]:
    """Yield the code of every alert that the code can raise."""
    for path in shipped_files(".py"):
        if not named(path).startswith(PACKAGES):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            is_alert = isinstance(node, ast.Call) and getattr(node.func, "id", "") in ALERTS
            if is_alert and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def test_every_command_of_the_guide_exists_with_its_options(app: Flask) -> None:
    lines = commands(GUIDE.read_text())

    assert len(lines) > 15
    for line in lines:
        check(app, line)


@pytest.mark.parametrize(
    "line", ["flask settle --pretend", "flask campaign prolong x", "flask db check now"]
)
def test_a_planted_command_is_refused(app: Flask, line: str) -> None:
    with pytest.raises(click.UsageError):
        check(app, line)


def test_the_guide_says_what_to_do_about_every_alert() -> None:
    codes = set(alert_codes())
    explained = set(re.findall(r"^\| `(\w+)` \|", GUIDE.read_text(), re.MULTILINE))

    assert len(codes) > 5
    assert explained == codes
