"""What ``expand[]`` asks for: identifiers replaced by their objects, in the answer only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stripe_sandbox.errors import malformed
from stripe_sandbox.objects import Json, public
from stripe_sandbox.store import Store

_DEEPEST: Final = 4
_INCLUDED: Final[dict[tuple[str, str], Callable[[Store, Json], Json]]] = {}


def included_when_expanded(
    type_: str, name: str
) -> Callable[[Callable[[Store, Json], Json]], Callable[[Store, Json], Json]]:
    """Register a field that exists only when expanded, as ``refunds`` of a charge."""

    def register(build: Callable[[Store, Json], Json]) -> Callable[[Store, Json], Json]:
        _INCLUDED[type_, name] = build
        return build

    return register


def render(store: Store, answer: Json, expand: list[str]) -> Json:
    """Return the answer as it leaves: without private fields, with what was asked for."""
    shown = _shown(answer)
    for path in expand:
        steps = path.split(".")
        if len(steps) > _DEEPEST:
            raise malformed(
                f"You cannot expand more than {_DEEPEST} levels of a property. Property: {path}",
                param="expand",
            )
        _expand(store, shown, steps, path)
    return shown


def _shown(answer: Json) -> Json:
    shown = public(answer)
    if shown.get("object") == "list":
        shown["data"] = [public(row) for row in shown["data"]]
    return shown


def _expand(store: Store, node: Any, steps: list[str], path: str) -> None:
    if not steps or node is None:
        return
    step, rest = steps[0], steps[1:]
    if isinstance(node, list):
        for each in node:
            _expand(store, each, steps, path)
        return
    if node.get("object") == "list" and step == "data":
        _expand(store, node["data"], rest, path)
        return
    value = node.get(step)
    if isinstance(value, str):
        found = store.find(value) if "_" in value else None
        if found is None:
            raise _not_expandable(path, step)
        node[step] = value = public(found)
    elif value is None and (node.get("object", ""), step) in _INCLUDED:
        node[step] = value = _shown(_INCLUDED[node["object"], step](store, node))
    elif isinstance(value, dict):
        node[step] = value = dict(value)
    elif step not in node or isinstance(value, int):
        raise _not_expandable(path, step)
    _expand(store, value, rest, path)


def _not_expandable(path: str, step: str) -> Exception:
    return malformed(
        f"This property cannot be expanded ({step}). You may want to try expanding '{path}'.",
        param="expand",
    )
