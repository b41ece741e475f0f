"""Find rows by words as people type them: `foret` finds « La forêt-jardin », `coeur` « Cœur ».

By a table of our own: PostgreSQL's `unaccent` is an extension that not every server offers.
"""

import unicodedata
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

LONGEST_SEARCH: Final = 100
_LATIN: Final = (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
_TWO_LETTERS: Final = {"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ß": "ss"}
_ONE_LETTER: Final = {
    **{chr(c): unicodedata.normalize("NFD", chr(c))[0].lower() for c in _LATIN},
    "’": "'",
    "ø": "o",
    "Ø": "o",
    "ł": "l",
    "Ł": "l",
    "đ": "d",
    "Đ": "d",
}
_WITH_ACCENTS: Final = "".join(_ONE_LETTER)
_WITHOUT: Final = "".join(_ONE_LETTER.values())


def matching(words: str, *texts: InstrumentedAttribute[str]) -> list[sa.ColumnElement[bool]]:
    """Return what keeps the rows that have each of these words in one of their texts."""
    folded = unicodedata.normalize("NFC", words[:LONGEST_SEARCH])
    for ligature, letters in _TWO_LETTERS.items():
        folded = folded.replace(ligature, letters)
    return [
        sa.or_(*(_folded(text).icontains(word, autoescape=True) for text in texts))
        for word in translate(folded, _WITH_ACCENTS, _WITHOUT).split()
    ]


def translate(text: str, letters: str, others: str) -> str:
    """Replace each of ``letters`` by its like in ``others``, as PostgreSQL's function does.

    SQLite, which has none, is given this one.
    """
    return text.translate(_table(letters, others))


def _folded(text: Any) -> sa.ColumnElement[str]:
    for ligature, letters in _TWO_LETTERS.items():
        text = sa.func.replace(text, ligature, letters)
    return sa.func.translate(text, _WITH_ACCENTS, _WITHOUT, type_=sa.String())


@cache
def _table(letters: str, others: str) -> dict[int, int]:
    return str.maketrans(letters, others)
