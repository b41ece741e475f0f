"""The language of a page: French, unless the reader chose or prefers English."""

from typing import Final
from urllib.parse import quote, urlencode

from babel.support import NullTranslations
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from octo.config import ROOT
from octo.money import Money, format_amount
from octo.runtime import runtime
from octo.sentences import catalog

LANGUAGES: Final = {"fr": "Français", "en": "English"}
DEFAULT_LANGUAGE: Final = "fr"
COOKIE: Final = "octo_language"
ARGUMENT: Final = "lang"
_YEAR_SECONDS: Final = 365 * 24 * 3600


def current_language() -> str:
    """Return the language of this request: asked for, kept, of the user, of the browser."""
    if "octo_language" not in g:
        g.octo_language = _choose()
    language: str = g.octo_language
    return language


def _choose() -> str:
    if not has_request_context():
        return DEFAULT_LANGUAGE
    for wanted in (request.args.get(ARGUMENT), request.cookies.get(COOKIE)):
        if wanted in LANGUAGES:
            return str(wanted)
    if current_user.is_authenticated and current_user.locale in LANGUAGES:
        return str(current_user.locale)
    return request.accept_languages.best_match(LANGUAGES, DEFAULT_LANGUAGE) or DEFAULT_LANGUAGE


def default_time_zone() -> str:
    """Return the platform's time zone, in which instants are shown unless one is named."""
    return runtime().settings.time_zone


def this_page_in(language: str) -> str:
    """Return the address of the page being read, in another language.

    Of what a form led to it is the page that has the form; home, where there is none.
    """
    if request.method != "GET" or request.endpoint is None:
        return f"{_page_of_form()}?{ARGUMENT}={language}"
    kept = [pair for pair in request.args.items(multi=True) if pair[0] != ARGUMENT]
    return f"{quote(request.path)}?{urlencode([*kept, (ARGUMENT, language)])}"


def _page_of_form() -> str:
    shown_at: str | None = g.get("shown_at")
    if shown_at is not None:
        return shown_at
    has_page = current_app.url_map.bind("").test(request.path, "GET")
    return quote(request.path) if has_page else "/"


def keep_choice(response: Response) -> Response:
    """Remember the language that a link asked for."""
    if request.args.get(ARGUMENT) in LANGUAGES:
        response.set_cookie(
            COOKIE,
            current_language(),
            max_age=_YEAR_SECONDS,
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
    return response


def translate(message: str, params: dict[str, object]) -> str:
    """Translate a sentence marked elsewhere, such as a refusal of a service."""
    shown = {name: _in_words(value) for name, value in params.items()}
    return str(gettext(message, **shown)) if shown else str(gettext(message))


def _in_words(value: object) -> object:
    if isinstance(value, Money):
        return format_amount(value.amount, value.currency, current_language())
    return value


def _give_sentences(app: Flask) -> None:
    """Let templates find their sentences in one look-up: a page has a hundred of them."""

    def in_pages() -> NullTranslations:
        return catalog(current_language())

    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined] # of jinja2.ext.i18n
        lambda sentence: in_pages().gettext(sentence),
        lambda one, many, count: in_pages().ngettext(one, many, count),
        newstyle=True,
        pgettext=lambda context, sentence: in_pages().pgettext(context, sentence),
        npgettext=lambda context, one, many, count: in_pages().npgettext(context, one, many, count),
    )


def register(app: Flask) -> None:
    """Set Flask-Babel up and remember the choice of a language."""
    app.config.setdefault("BABEL_DEFAULT_LOCALE", DEFAULT_LANGUAGE)
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(ROOT / "octo" / "translations"))
    Babel(app, locale_selector=current_language, timezone_selector=default_time_zone)
    _give_sentences(app)
    app.after_request(keep_choice)
    app.jinja_env.globals.update(
        languages=LANGUAGES, current_language=current_language, this_page_in=this_page_in
    )
