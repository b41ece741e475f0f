"""The page shell and what every page and answer has in common."""

from typing import Final

from flask import Flask

from octo.runtime import runtime
from octo.web import (
    api,
    assets,
    bodies,
    filters,
    forms,
    kept_forms,
    language,
    navigation,
    permissions,
    problems,
    security,
    staff_banner,
)
from octo.web.lazy_rule import LateRule

PARTS: Final = (
    security,
    bodies,
    language,
    permissions,
    problems,
    api,
    assets,
    filters,
    forms,
    kept_forms,
    navigation,
    staff_banner,
)


def register(app: Flask) -> None:
    """Give the app its shell, languages, protection, permissions and error pages."""
    app.url_rule_class = LateRule
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    for part in PARTS:
        part.register(app)
    app.jinja_env.globals["runtime"] = runtime
