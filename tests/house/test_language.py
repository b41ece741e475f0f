"""Every sentence people read is in the catalogs, and said in French."""

import ast
import re
from typing import Final

import pytest

from stripe_sandbox.pages.french import FRENCH
from tests.house.sentences import bare_literals, bare_text, catalog, extracted, refusals, texts
from tests.house.tree import named, shipped_files

PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")
# French sets a thin space before ; ! and ?, a whole one before : and inside « », and breaks no line
# there; a time, an address and a header of HTTP are not sentences.
MISSET: Final = re.compile(
    "(?<!\u202f)[;!?]|(?<!\u00a0)(?<!Authorization):(?!\\S)|«(?!\u00a0)|(?<!\u00a0)»"
    "|\u202f(?![;!?])| (?:€|%(?!\\())"
)
SHOWN: Final = ("octo/", "campaigns/", "payments/", "demo/")
# The sandbox stands in for Stripe, whose pages and refusals are Stripe's own.
NOT_OURS: Final = ("stripe_sandbox/",)


def our_modules() -> list[tuple[str, ast.Module]]:
    return [
        (name, ast.parse(path.read_text()))
        for path in shipped_files(".py")
        if (name := named(path)).startswith(SHOWN) and not name.startswith(NOT_OURS)
    ]


def test_every_sentence_is_said_in_french() -> None:
    said = {
        texts(message.id)[0]
        for message in catalog("fr")
        if message.id and not message.fuzzy and all(texts(message.string))
    }

    missing = extracted() - said

    assert missing == set()


def test_no_translation_is_left_for_review() -> None:
    assert [message.id for message in catalog("fr") if message.fuzzy and message.id] == []


def test_a_translation_keeps_its_placeholders() -> None:
    broken = []
    for message in catalog("fr"):
        known = {name for source in texts(message.id) for name in PLACEHOLDER.findall(source)}
        broken += [
            text for text in texts(message.string) if not set(PLACEHOLDER.findall(text)) <= known
        ]

    assert broken == []


def test_french_punctuation_stands_off_as_french_sets_it() -> None:
    said = [text for message in catalog("fr") if message.id for text in texts(message.string)]

    assert [text for text in (*said, *FRENCH.values()) if MISSET.search(text)] == []


@pytest.mark.parametrize(
    "text", ["Vraiment\u00a0?", "Vraiment ?", "Total\u202f: 3", "«\u202fOui\u202f»", "5 €", "Oui!"]
)
def test_punctuation_misset_is_found(text: str) -> None:
    assert MISSET.search(text)


def test_no_sentence_stands_in_a_template_outside_the_catalogs() -> None:
    templates = [p for p in shipped_files(".html", ".jinja") if named(p).startswith("templates/")]

    found = {
        f"{named(path)}:{line}": text
        for path in templates
        for line, text in bare_text(path.read_text())
    }

    assert found == {}


def test_no_sentence_stands_in_python_outside_the_catalogs() -> None:
    modules = our_modules()
    refusing = refusals(modules)

    found = {
        f"{name}:{line}": text
        for name, tree in modules
        for line, text in bare_literals(tree, refusing)
    }

    assert len(refusing) > 10
    assert found == {}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("<p>{{ _('Known') }}</p>", []),
        ("{% trans %}Known too{% endtrans %}", []),
        ("{# a note #}<style>p { color: red }</style>", []),
        ("<a href='/x'>Octo</a>", []),
        ("<p>\nForgotten {{ name }}</p>", [(1, "Forgotten …")]),
        ("<img alt='A forgotten picture'>", [(1, "A forgotten picture")]),
        ("{% if x %}Yes{% endif %}", [(1, "Yes")]),
    ],
)
def test_a_planted_sentence_is_found(template: str, expected: list[tuple[int, str]]) -> None:
    assert bare_text(template) == expected


@pytest.mark.parametrize(
    "line", ["raise TooLateError('Too late.')", "flash(f'Hello {name}')", "StringField('Title')"]
)
def test_a_planted_literal_is_found(line: str) -> None:
    tree = ast.parse(f"class TooLateError(OctoError): pass\n{line}")

    assert len(list(bare_literals(tree, refusals([("a.py", tree)])))) == 1
