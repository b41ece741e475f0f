"""What a request says: form bodies ``a[b][0]=x`` or JSON, read with Stripe's complaints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import parse_qsl

from stripe_sandbox.errors import malformed, missing_param
from stripe_sandbox.objects import Json

_INTEGER: Final = re.compile(r"-?[0-9]+")
_DEEPEST: Final = 10
_MAX_KEYS, _MAX_NAME, _MAX_VALUE = 50, 40, 500
_TRUE, _FALSE = ("true", "1", True), ("false", "0", False)


def parse_form(text: str) -> Json:
    """Read ``a[b][0]=x&a[b][1]=y`` as ``{"a": {"b": ["x", "y"]}}``."""
    tree: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = name.replace("]", "").split("[")
        if len(path) > _DEEPEST:
            raise malformed(f"Invalid {path[0]}: nested too deeply", param=path[0])
        node = tree
        for index, step in enumerate(path[:-1]):
            below = node.setdefault(step or str(len(node)), {})
            if not isinstance(below, dict):
                raise malformed(f"Invalid {path[0]}", param="[".join(path[: index + 1]))
            node = below
        node[path[-1] or str(len(node))] = value
    return {key: _with_lists(key, value) for key, value in tree.items()}


def _with_lists(name: str, node: Any) -> Any:
    if not isinstance(node, dict) or name == "metadata":
        return node
    branches = {key: _with_lists(key, value) for key, value in node.items()}
    if branches and all(key.isdigit() for key in branches):
        return [branches[key] for key in sorted(branches, key=int)]
    return branches


class Params:
    """The parameters of one request, or of one branch of it."""

    def __init__(self, values: Json, prefix: str = "") -> None:
        self.values = values
        self._prefix = prefix

    def name(self, key: str) -> str:
        """Return the parameter's full name, as Stripe's errors give it."""
        return f"{self._prefix}[{key}]" if self._prefix else key

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def allow(self, names: Iterable[str]) -> None:
        """Refuse a parameter Stripe does not know."""
        for key in self.values:
            if key not in names:
                name = self.name(key)
                raise malformed(
                    f"Received unknown parameter: {name}", code="parameter_unknown", param=name
                )

    def text(self, key: str, *, max_length: int = 5000) -> str | None:
        value = self.values.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise malformed("Invalid string: must be a string", param=self.name(key))
        if len(value) > max_length:
            raise malformed(
                f"Invalid string: {value[:20]}...; must be at most {max_length} characters",
                param=self.name(key),
            )
        return value

    def need_text(self, key: str) -> str:
        if (value := self.text(key)) is None:
            raise missing_param(self.name(key))
        return value

    def integer(self, key: str) -> int | None:
        value = self.values.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not _INTEGER.fullmatch(str(value)):
            raise malformed(
                f"Invalid integer: {value}", code="parameter_invalid_integer", param=self.name(key)
            )
        return int(value)

    def need_integer(self, key: str) -> int:
        if (value := self.integer(key)) is None:
            raise missing_param(self.name(key))
        return value

    def amount(self, key: str) -> int:
        """Return a required, positive amount in minor units."""
        value = self.need_integer(key)
        if value < 1:
            raise malformed(
                "This value must be greater than or equal to 1.",
                code="parameter_invalid_integer",
                param=self.name(key),
            )
        if value > 99_999_999:  # noqa: PLR2004  # Stripe's largest charge
            raise malformed(
                "Amount must be no more than 999,999.99", code="amount_too_large", param=key
            )
        return value

    def boolean(self, key: str, *, default: bool = False) -> bool:
        value = self.values.get(key)
        if value is None or value == "":
            return default
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise malformed(f"Invalid boolean: {value}", param=self.name(key))

    def choice(self, key: str, allowed: Iterable[str]) -> str | None:
        value, options = self.text(key), list(allowed)
        if value is not None and value not in options:
            names = ", ".join(options)
            raise malformed(f"Invalid {key}: must be one of {names}", param=self.name(key))
        return value

    def currency(self, key: str = "currency") -> str:
        value = self.need_text(key).lower()
        if not re.fullmatch(r"[a-z]{3}", value):
            raise malformed(f"Invalid currency: {value}", param=self.name(key))
        return value

    def branch(self, key: str) -> Params:
        """Return the parameters below ``key``, empty if there is none."""
        value = self.values.get(key)
        if value is None or value in ("", []):
            value = {}
        if not isinstance(value, dict):
            raise malformed("Invalid object", param=self.name(key))
        return Params(value, self.name(key))

    def branches(self, key: str) -> list[Params]:
        """Return the objects of the list below ``key``."""
        value = self.values.get(key) or []
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise malformed("Invalid array", param=self.name(key))
        return [Params(each, f"{self.name(key)}[{index}]") for index, each in enumerate(value)]

    def texts(self, key: str) -> list[str]:
        value = self.values.get(key) or []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise malformed("Invalid array", param=self.name(key))
        return list(value)

    def metadata(self, current: dict[str, str] | None = None) -> dict[str, str]:
        """Merge the given metadata into the current one, within Stripe's limits."""
        merged = dict(current or {})
        if self.values.get("metadata") == "":
            return {}
        given = self.branch("metadata")
        for key, value in given.values.items():
            if len(key) > _MAX_NAME or "[" in key or "]" in key:
                raise malformed(
                    f"Metadata keys must be at most {_MAX_NAME} characters without brackets: {key}",
                    param="metadata",
                )
            if isinstance(value, dict | list):
                raise malformed("Metadata values must be strings", param=given.name(key))
            text = str(value)
            if len(text) > _MAX_VALUE:
                raise malformed(
                    f"Metadata values can have up to {_MAX_VALUE} characters; "
                    f"'{key}' has {len(text)}.",
                    param=given.name(key),
                )
            if text == "":
                merged.pop(key, None)
            else:
                merged[key] = text
        if len(merged) > _MAX_KEYS:
            raise malformed(f"Metadata can have up to {_MAX_KEYS} keys.", param="metadata")
        return merged
