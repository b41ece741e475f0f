"""Sentences in a language that is not a page's: that of a mail, or of what Stripe shows."""

import functools
from typing import Final

from babel.support import NullTranslations, Translations

from octo.config import ROOT

CATALOGS: Final = ROOT / "octo" / "translations"


@functools.cache
def catalog(locale: str) -> NullTranslations:
    """Return the sentences of one language; English is the language of the msgids."""
    return Translations.load(CATALOGS, [locale])


def sentence_in(locale: str, message: str) -> str:
    """Return a sentence in a language, as its reader's mails are."""
    return str(catalog(locale).gettext(message))
