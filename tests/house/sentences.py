"""Find the sentences people read: those the catalogs know of, and those they should."""

import ast
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from jinja2 import Environment

from demo.supervision import ROOT

TRANSLATIONS: Final = ROOT / "octo" / "translations"
KEYWORDS: Final = {**DEFAULT_KEYWORDS, "_l": None}
SILENT_TAGS: Final = {"script", "style", "mj-style", "code", "svg"}
VOID_TAGS: Final = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
SPOKEN_ATTRIBUTES: Final = {"alt", "title", "placeholder", "aria-label", "aria-description"}
# Names, which are the same in every language.
NAMES: Final = {
    *("Octo", "Stripe", "SIREN", "IBAN", "CSV", "PDF", "API", "OpenAPI", "AGPL", "TEST", "UTC"),
    *("Français", "English", "Markdown", "JSON", "GitHub", "Octopousse"),
}
WORD: Final = re.compile(r"[^\W\d_]{2,}")
EXPRESSION: Final = "\x00"
# What a macro adds to a tag that its caller writes.
LONE_ATTRIBUTE: Final = re.compile(r'[a-z-]+="[^"]*"')
TEXT_FIELDS: Final = re.compile(r"^[A-Z]\w*Field$")


def extracted() -> set[str]:
    """Return every msgid of the tree, as ``make catalogs`` would find them."""
    with (TRANSLATIONS / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = extract_from_dir(ROOT, methods, options, KEYWORDS)
    return {texts(message)[0] for _path, _line, message, _comments, _context in found}


def catalog(locale: str) -> Catalog:
    with (TRANSLATIONS / locale / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=locale)


def texts(said: object) -> list[str]:
    """Return the forms of a message or of its translation; one, or one per plural."""
    if isinstance(said, list | tuple):
        return [str(form) for form in said]
    return [str(said or "")]


class _Text(HTMLParser):
    """Collects what a browser, or a mail program, would show or read aloud."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[tuple[int, str]] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT_TAGS and tag not in VOID_TAGS:
            self._silent += 1
        for name, value in attrs:
            if name in SPOKEN_ATTRIBUTES and value:
                self.said.append((self.getpos()[0], value))

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT_TAGS:
            self._silent = max(0, self._silent - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append((self.getpos()[0], LONE_ATTRIBUTE.sub("", data)))


def bare_text(template: str) -> list[tuple[int, str]]:
    """Return, with its line, the text of a template that stands outside ``_()`` and ``trans``."""
    literal = "".join(_literal_parts(template))
    parser = _Text()
    parser.feed(literal)
    parser.close()
    return [
        (line, " ".join(text.replace(EXPRESSION, "…").split()))
        for line, text in parser.said
        if set(WORD.findall(text.replace(EXPRESSION, " "))) - NAMES
    ]


def _literal_parts(template: str) -> Iterator[str]:
    """Yield the template's own text; expressions leave a mark, every line break stays."""
    translated = False
    statement: list[str] = []
    for _line, kind, value in Environment(autoescape=True).lex(template):
        if kind == "data":
            yield "\n" * value.count("\n") if translated else value
            continue
        yield "\n" * value.count("\n")
        if kind == "block_begin":
            statement = []
        elif kind == "name":
            statement.append(value)
        elif kind == "block_end" and statement[:1] in (["trans"], ["endtrans"]):
            translated = statement[0] == "trans"
        elif kind == "variable_begin":
            yield EXPRESSION


def refusals(trees: Iterable[tuple[str, ast.AST]]) -> set[str]:
    """Return the names of the exceptions whose message is shown to people."""
    parents: dict[str, set[str]] = {}
    for _path, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                parents[node.name] = {b.id for b in node.bases if isinstance(b, ast.Name)}
    known = {"OctoError"}
    while more := {name for name, bases in parents.items() if bases & known} - known:
        known |= more
    return known


def bare_literals(tree: ast.AST, refusing: set[str]) -> Iterator[tuple[int, str]]:
    """Yield literals shown to people that no catalog will ever hold."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        shown = name in refusing | {"flash", "ValidationError", "StopValidation"}
        label = bool(TEXT_FIELDS.match(name)) and isinstance(node.func, ast.Name)
        if (shown or label) and _is_sentence(node.args[0]):
            yield node.lineno, ast.unparse(node.args[0])


def _is_sentence(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)
