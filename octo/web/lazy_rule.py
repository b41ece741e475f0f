"""Routes whose addresses are put together by code that is made when first needed."""

from collections.abc import Callable
from functools import cache
from typing import Any

from werkzeug.routing import Rule

Build = Callable[..., tuple[str, str]]


class LateRule(Rule):
    """A route that Werkzeug compiles no ``url_for`` for until one is asked for.

    It compiles two functions for each route at start, which took longer than all else an app
    is made of; most processes build few addresses, or none.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Build:
        compiled = cache(super()._compile_builder)

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            return compiled(append_unknown)(rule, **values)

        return build
