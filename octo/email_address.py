"""E-mail addresses: the one way they are written."""

import re
import unicodedata
from typing import Final

from octo.errors import N_, InvalidError

LONGEST_EMAIL: Final = 254
_EMAIL: Final = re.compile(
    r"[^@\s\x00-\x1f\x7f<>(),;:\"\[\]\\]+@[^@\s\x00-\x1f\x7f<>(),;:\"\[\]\\]+\.[^@\s.]{2,}"
)


class BadEmailError(InvalidError):
    """What was entered is not an e-mail address."""

    code = "bad_email"


def normalise_email(written: str, *, field: str = "email") -> str:
    """Return the one way an address is stored and looked up, or raise ``BadEmailError``.

    The whole address is folded to lower case: the standard lets a host tell the case of its
    boxes apart, no host people use does, and two accounts for one box would confuse its owner.
    """
    email = unicodedata.normalize("NFC", written.strip()).lower()
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        raise BadEmailError(N_("Enter an e-mail address such as name@example.org."), field=field)
    return email
