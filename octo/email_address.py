"""E-mail addresses: the one way they are written, and that a mail server takes."""

import unicodedata
from typing import Final

import idna
from email_validator import EmailNotValidError, validate_email

from octo.errors import N_, InvalidError

LONGEST_EMAIL: Final = 254
"""What a server takes at most, RFC 5321; ``validate_email`` holds it."""

_INVISIBLE: Final = "Cf"


class BadEmailError(InvalidError):
    """What was entered is not an e-mail address."""

    code = "bad_email"


def normalise_email(written: str, *, field: str = "email") -> str:
    """Return the one way an address is stored, or raise ``BadEmailError``.

    What nobody can see, as it comes along when an address is copied, is left out. Before the @ only
    ASCII is taken: what else may stand there needs SMTPUTF8 (RFC 6531), which not every server has.
    The whole address is folded to lower case: the standard lets a host tell the case of its
    boxes apart, no host people use does, and two accounts for one box would confuse its owner.
    """
    try:
        found = validate_email(
            _visible(written), allow_smtputf8=False, strict=True, check_deliverability=False
        )
    except EmailNotValidError as error:
        raise BadEmailError(
            N_("Enter an e-mail address such as name@example.org."), field=field
        ) from error
    return found.normalized.lower()


def find_email(written: str, *, field: str = "email") -> str:
    """Return how a stored address is looked up, or raise ``BadEmailError`` when it is none at all.

    One that would be refused today, and was taken before, is found still.
    """
    try:
        return normalise_email(written, field=field)
    except BadEmailError:
        folded = unicodedata.normalize("NFC", _visible(written)).lower()
        if "@" not in folded.strip("@"):
            raise
        return folded


def mailable(address: str) -> str:
    """Return how a mail server is given a stored address: its domain in ASCII (RFC 5891)."""
    name, _, domain = address.rpartition("@")
    return address if domain.isascii() else f"{name}@{idna.encode(domain, uts46=True).decode()}"


def _visible(written: str) -> str:
    return "".join(c for c in written if unicodedata.category(c) != _INVISIBLE).strip()
