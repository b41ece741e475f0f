"""Lists as Stripe gives them: cursors, filters and ``has_more``."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.errors import malformed
from stripe_sandbox.forms import Params
from stripe_sandbox.objects import Json
from stripe_sandbox.routing import Call
from stripe_sandbox.store import Cursor

LIST_PARAMS: Final = "limit starting_after ending_before"
_SIGNS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_LARGEST_PAGE: Final = 100


def list_objects(call: Call, type_: str, *filters: str, **fixed: str) -> Json:
    """Answer a list request; ``filters`` are both parameters and indexed fields."""
    fields = dict(fixed)
    for name in filters:
        if (value := call.params.text(name)) is not None:
            fields[name] = value
    page = call.store.page(type_, fields, created_window(call.params), read_cursor(call.params))
    return list_of(page.rows, url=call.url_path, has_more=page.has_more)


def list_of(rows: list[Json], *, url: str, has_more: bool = False) -> Json:
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}


def read_cursor(params: Params) -> Cursor:
    limit = params.integer("limit")
    if limit is not None and not 1 <= limit <= _LARGEST_PAGE:
        raise malformed(
            f"Invalid limit: must be between 1 and {_LARGEST_PAGE}",
            code="parameter_invalid_integer",
            param="limit",
        )
    after, before = params.text("starting_after"), params.text("ending_before")
    if after and before:
        raise malformed(
            "You can only specify one of these parameters: starting_after, ending_before",
            param="ending_before",
        )
    return Cursor(10 if limit is None else limit, after, before)


def created_window(params: Params) -> dict[str, int]:
    """Read ``created=…`` or ``created[gte]=…``."""
    if "created" not in params:
        return {}
    if not isinstance(params.values["created"], dict):
        instant = params.need_integer("created")
        return {">=": instant, "<=": instant}
    window = params.branch("created")
    window.allow(_SIGNS)
    return {_SIGNS[name]: window.need_integer(name) for name in window}
