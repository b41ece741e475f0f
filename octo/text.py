"""Short texts people type: cleaned of what cannot be shown, measured, refused beside the field."""

import re
import unicodedata
from typing import Final

from slugify import slugify

from octo.errors import N_, InvalidError

_BREAKS: Final = re.compile(r"\r\n|[\r\v\f\x85\u2028\u2029]")
"""What ends a line in one editor or another."""

_SPACES: Final = re.compile(r"[ \t\n]+")
_REMOVED: Final = re.compile(
    "["
    r"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # control characters
    r"\u202a-\u202e\u2066-\u2069"  # what forces a direction, on what follows too
    r"\ufeff"  # the mark that some editors begin a file with
    r"\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # half a character, or none
    "]"
)


def clean_text(written: str, *, field: str, most: int, is_required: bool = False) -> str:
    """Return one line of text in NFC, without what nobody can see or what turns text around.

    Nothing else is taken out: spaces that do not break stay, and so do characters which are
    newer than this Python.
    """
    kept = _SPACES.sub(" ", _shown(written)).strip()
    return _measured(kept, field=field, most=most, is_required=is_required)


def clean_paragraphs(written: str, *, field: str, most: int, is_required: bool = False) -> str:
    """Return text of several lines in NFC, with plain line ends, and cleaned as a line is."""
    kept = _shown(written)
    return _measured(kept if kept.strip() else "", field=field, most=most, is_required=is_required)


def slug_of(text: str, *, most: int) -> str:
    """Return a text as addresses write it, in a-z, 0-9 and single hyphens; perhaps nothing.

    Both apostrophes part words: « Les Ciseaux d’argent » is ``les-ciseaux-d-argent``.
    """
    return slugify(text, max_length=most, word_boundary=True, replacements=[("’", "'")])


def _shown(written: str) -> str:
    return unicodedata.normalize("NFC", _REMOVED.sub("", _BREAKS.sub("\n", written)))


def _measured(text: str, *, field: str, most: int, is_required: bool) -> str:
    if is_required and not text:
        raise InvalidError(N_("Fill this in."), field=field)
    if len(text) > most:
        raise InvalidError(N_("At most %(most)s characters."), field=field, most=most)
    return text
