"""Short texts people type: cleaned of what cannot be shown, measured, refused beside the field."""

import unicodedata
from typing import Final

from slugify import slugify

from octo.errors import N_, InvalidError

_REMOVED: Final = {"Cc", "Cs", "Co", "Cn"}
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_text(written: str, *, field: str, most: int, is_required: bool = False) -> str:
    """Return one line of text in NFC, without control or direction-forcing characters."""
    kept = "".join(
        " " if character in "\r\n\t" else character
        for character in unicodedata.normalize("NFC", written)
        if character in "\r\n\t" or _is_shown(character)
    )
    return _measured(" ".join(kept.split()), field=field, most=most, is_required=is_required)


def clean_paragraphs(written: str, *, field: str, most: int, is_required: bool = False) -> str:
    """Return text of several lines in NFC, with plain line ends and no control characters."""
    unified = unicodedata.normalize("NFC", written).replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in unified if c in "\n\t" or _is_shown(c))
    return _measured(kept if kept.strip() else "", field=field, most=most, is_required=is_required)


def slug_of(text: str, *, most: int) -> str:
    """Return a text as addresses write it, in a-z, 0-9 and single hyphens; perhaps nothing.

    Both apostrophes part words: « Les Ciseaux d’argent » is ``les-ciseaux-d-argent``.
    """
    return slugify(text, max_length=most, word_boundary=True, replacements=[("’", "'")])


def _is_shown(character: str) -> bool:
    return character not in _DIRECTIONS and unicodedata.category(character) not in _REMOVED


def _measured(text: str, *, field: str, most: int, is_required: bool) -> str:
    if is_required and not text:
        raise InvalidError(N_("Fill this in."), field=field)
    if len(text) > most:
        raise InvalidError(N_("At most %(most)s characters."), field=field, most=most)
    return text
