"""Turn a mail's template and context into a subject, a text part and an HTML part.

One template tells a mail once: ``templates/mail/<name>.jinja`` says it with the words
(``title``, ``say``, ``quote``, ``facts``, ``button``, ``link``, ``small``) that
``_words_mjml.jinja`` and ``_words_text.jinja`` define, and is rendered with each. So both parts
always say the same.
"""

import functools
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import mrml
from babel.dates import format_date, format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import Macro

from octo.config import ROOT
from octo.money import format_amount
from octo.sentences import catalog

TEMPLATES: Final = ROOT / "templates" / "mail"
LOCALES: Final = ("fr", "en")
_INSTANT: Final = {
    "fr": "EEEE d MMMM y 'à' HH:mm ('heure de' VVV)",
    "en": "EEEE d MMMM y, HH:mm (VVV 'time')",
}
_TEXT_WIDTH: Final = 72
_BREAKABLE: Final = re.compile(r"[ \t\r\n]+")  # no-break spaces stay


class Signer(Protocol):
    """How a link proves that it stood in a mail of ours."""

    def __call__(self, message_id: str, /) -> str:
        """Return the token of the mail with this id."""


class Pages(Protocol):
    """How a mail learns the full address of a page of the site."""

    def __call__(self, endpoint: str, /, **values: object) -> str:
        """Return the address of a page, with scheme and host."""


@dataclass(frozen=True)
class RenderedMail:
    """A mail as it is read."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Site:
    """What every mail knows of the site that sends it."""

    name: str
    url: str
    page: Pages
    sign: Signer


def render_mail(
    template: str,
    context: Mapping[str, object],
    *,
    locale: str,
    site: Site,
    unsubscribe_url: str = "",
) -> RenderedMail:
    """Render a mail in one language; raises what Jinja raises when the context lacks something.

    With ``unsubscribe_url`` it says where its reader may end mails of its kind.
    """
    known = _known(context, site) | {"unsubscribe_url": unsubscribe_url}
    text = _environment(locale, is_html=False).get_template(f"{template}.jinja")
    mjml = _environment(locale, is_html=True).get_template(f"{template}.jinja")
    return RenderedMail(
        subject=render_subject(template, context, locale=locale, site=site),
        text=_tidy(text.render(known)),
        html=mrml.to_html(mjml.render(known)).content,
    )


def render_subject(template: str, context: Mapping[str, object], *, locale: str, site: Site) -> str:
    """Render a mail's subject alone, on one line."""
    text = _environment(locale, is_html=False).get_template(f"{template}.jinja")
    subject = "".join(text.blocks["subject"](text.new_context(_known(context, site))))
    return _BREAKABLE.sub(" ", subject).strip(" ")


def _known(context: Mapping[str, object], site: Site) -> dict[str, object]:
    return {"page": site.page, "site_name": site.name, "site_url": site.url, **context}


@functools.cache
def _environment(locale: str, *, is_html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=is_html,  # noqa: S701 - escaped exactly where markup is written
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    translations = catalog(locale)
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["locale"] = locale
    environment.globals["colon"] = "\u00a0: " if locale == "fr" else ": "
    environment.filters["money"] = functools.partial(_money, locale=locale)
    environment.filters["day"] = functools.partial(_day, locale=locale)
    environment.filters["instant"] = functools.partial(_instant, locale=locale)
    environment.filters["wrap"] = _wrap
    side = "mjml" if is_html else "text"
    environment.globals["layout"] = f"_layout_{side}.jinja"
    words = environment.get_template(f"_words_{side}.jinja").module
    environment.globals.update({k: v for k, v in vars(words).items() if isinstance(v, Macro)})
    return environment


def _money(amount: int, currency: str, *, locale: str) -> str:
    return format_amount(amount, currency, locale)


def _day(instant: str, time_zone: str, *, locale: str) -> str:
    at = datetime.fromisoformat(instant).astimezone(ZoneInfo(time_zone))
    return str(format_date(at, "long", locale=locale))


def _instant(instant: str, time_zone: str, *, locale: str) -> str:
    at = datetime.fromisoformat(instant)
    zone = ZoneInfo(time_zone)
    return str(format_datetime(at, _INSTANT[locale], tzinfo=zone, locale=locale))


def _wrap(text: str) -> str:
    """Break a paragraph at 72 columns, never inside a link."""
    return "\n".join(
        textwrap.fill(line, _TEXT_WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in str(text).splitlines()
    )


def _tidy(text: str) -> str:
    """Keep one blank line between paragraphs, whatever the template's own layout."""
    paragraphs: list[str] = []
    for line in text.splitlines():
        kept = line.rstrip()
        if kept or (paragraphs and paragraphs[-1]):
            paragraphs.append(kept)
    return "\n".join(paragraphs).strip() + "\n"


def template_names() -> list[str]:
    """Return the name of every mail there is."""
    return sorted(p.stem for p in TEMPLATES.glob("*.jinja") if not p.stem.startswith("_"))
