"""Kinds of document: one declaration each; another package adds its own with ``register``."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from octo.errors import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentKind:
    """What is issued under numbers of its own; ``label`` is a sentence to be translated.

    Its series are named by the letters of ``prefix`` and a year, and no other kind shares them.
    """

    name: str
    prefix: str
    label: str

    def series(self, year: int) -> str:
        """Return the series in which this kind is numbered in a year."""
        return f"{self.prefix}{year}"


_KINDS: Final[dict[str, DocumentKind]] = {}


def register(kind: DocumentKind) -> DocumentKind:
    """Add a kind of document: each name and each prefix is declared once."""
    assert kind.prefix.isalpha(), f"{kind.prefix} is to be of letters: a year follows"
    for known in _KINDS.values():
        assert kind.name != known.name, f"{kind.name} is a kind of document already"
        assert kind.prefix != known.prefix, f"{kind.prefix} is the prefix of {known.name}"
    _KINDS[kind.name] = kind
    return kind


def iter_kinds() -> Iterator[DocumentKind]:
    """Give every kind there is, in the order of their declarations."""
    return iter(tuple(_KINDS.values()))


def get_kind(name: str) -> DocumentKind:
    """Return the kind of this name; ``KeyError`` when nobody declared it."""
    return _KINDS[name]


register(DocumentKind(name="settlement", prefix="R", label=N_("Settlement")))
register(DocumentKind(name="credit_note", prefix="A", label=N_("Credit note")))
