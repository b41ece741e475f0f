"""What kind of mail a template is: one that must arrive, or one that a person may do without.

Each template says so above its words, ``{% set kind = "…" %}``: ``transactional`` (receipts,
money, security, the answer to what somebody just did) or the name of a kind that a package
declares, under which people choose whether to get it.
"""

import functools
import re
from dataclasses import dataclass
from typing import Final

from flask import Flask

from octo.mail.rendering import TEMPLATES, template_names

TRANSACTIONAL: Final = "transactional"
_KIND: Final = re.compile(r'^\{% set kind = "(\w+)" %\}$', re.MULTILINE)


@dataclass(frozen=True)
class MailKind:
    """Mails that a person may choose to get or not; ``label`` says which, as a msgid."""

    name: str
    label: str


def register_mail_kind(app: Flask, kind: MailKind) -> None:
    """Let people choose whether they get mails of this kind."""
    known = mail_kinds(app)
    assert kind.name not in {*known, TRANSACTIONAL}, f"{kind.name} is registered twice"
    known[kind.name] = kind


def mail_kinds(app: Flask) -> dict[str, MailKind]:
    """Return what people may choose, by name, in the order in which it was registered."""
    known: dict[str, MailKind] = app.extensions.setdefault("octo.mail_kinds", {})
    return known


@functools.cache
def kind_of(template: str) -> str:
    """Return the kind of a template; raises ``ValueError`` for what says none, or is not there."""
    path = TEMPLATES / f"{template}.jinja"
    found = _KIND.search(path.read_text()) if path.is_file() else None
    if found is None:
        raise ValueError(f"the mail {template} does not say of which kind it is")
    return found.group(1)


def is_optional(template: str) -> bool:
    """Tell whether its readers may choose not to get this mail."""
    return kind_of(template) != TRANSACTIONAL


@functools.cache
def templates_of(kind: str) -> tuple[str, ...]:
    """Return the templates of one kind."""
    return tuple(name for name in template_names() if kind_of(name) == kind)
