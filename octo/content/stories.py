"""Stories: Markdown from an owner, HTML that is safe for every reader."""

from typing import Final
from urllib.parse import urlsplit

import nh3
from flask import Flask
from markdown_it import MarkdownIt
from markupsafe import Markup

from octo.content.pictures import MEDIA_PATH, PictureName

_HEADINGS: Final = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h4", "h6": "h4"}
_TAGS: Final = {
    *("p", "br", "hr", "h2", "h3", "h4", "em", "strong", "del", "s", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES: Final = {"a": {"href", "title"}, "img": {"src", "alt"}, "ol": {"start"}}

_markdown: Final = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(
    ["table", "strikethrough"]
)


def render_story(text: str) -> Markup:
    """Turn Markdown into HTML without script, style or anything fetched from elsewhere.

    Raw HTML is shown as text. Pictures are only those kept here; a link outside opens
    without telling where it was followed from. The page's own title stays the only ``h1``.
    """
    tokens = _markdown.parse(text)
    for token in tokens:
        token.tag = _HEADINGS.get(token.tag, token.tag)
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        attribute_filter=_keep_attribute,
        link_rel="noopener noreferrer nofollow ugc",
    )
    return Markup(clean)  # noqa: S704 - cleaned on the line above


def _keep_attribute(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src":
        return value if _is_kept_picture(value) else None
    if tag == "a" and attribute == "href":
        parts = urlsplit(value)
        is_outside = parts.scheme in {"http", "https", "mailto"}
        return value if is_outside or not (parts.scheme or parts.netloc) else None
    return value


def _is_kept_picture(address: str) -> bool:
    name = address.removeprefix(MEDIA_PATH)
    return name != address and PictureName.find(name) is not None


def register(app: Flask) -> None:
    """Give ``text|story`` to templates."""
    app.jinja_env.filters["story"] = render_story
