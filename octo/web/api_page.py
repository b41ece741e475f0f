"""The document of the API laid out for people: parts, operations, and the shapes they answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext

from octo.web.routes import GENERAL

Json = Mapping[str, Any]
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_SHAPES: Final = "#/components/schemas/"
_GENERAL: Final = frozenset(refusal.code for refusal in GENERAL)


@dataclass(frozen=True)
class Field:
    """One thing to send, or that is answered; ``shape`` names what it is made of."""

    name: str
    kind: str
    shape: str
    is_required: bool
    about: str


@dataclass(frozen=True)
class Shape:
    """What is sent or answered, by the name that the document gives it."""

    name: str
    fields: list[Field]


@dataclass(frozen=True)
class Refusal:
    """One answer that is no."""

    status: str
    code: str
    about: str


@dataclass(frozen=True)
class Operation:
    """One thing a program can ask for."""

    name: str
    method: str
    path: str
    summary: str
    about: str
    is_public: bool
    roles: list[str]
    parameters: list[Field]
    body: list[Field]
    example: Any
    status: str
    answered: str
    refusals: list[Refusal]


@dataclass(frozen=True)
class Section:
    """The operations of one part of the API."""

    title: str
    about: str
    operations: list[Operation]


@dataclass(frozen=True)
class Manual:
    """The whole, in the reader's language; ``refusals`` are said once for all operations."""

    refusals: list[Refusal]
    sections: list[Section]
    shapes: list[Shape]


def read_manual(spec: Json) -> Manual:
    """Lay the document out, in the order in which its parts were added."""
    reader = _Reader(spec)
    sections = [
        Section(_said(tag["name"]), _said(tag["description"]), list(reader.operations_of(tag)))
        for tag in spec["tags"]
    ]
    general = [Refusal(str(int(one.status)), one.code, _said(one.about)) for one in GENERAL]
    return Manual(general, sections, list(reader.shapes()))


def _said(sentence: str) -> str:
    return str(gettext(sentence)) if sentence else ""


class _Reader:
    """Reads one document, and notes which shapes it meets, in their order."""

    def __init__(self, spec: Json) -> None:
        self._spec = spec
        self._met: dict[str, None] = {}

    def operations_of(self, tag: Json) -> Iterator[Operation]:
        """Yield the operations of one part."""
        for path, item in self._spec["paths"].items():
            for method in _METHODS:
                if method in item and tag["name"] in item[method]["tags"]:
                    yield self._operation(path, method, item)

    def shapes(self) -> Iterator[Shape]:
        """Yield every shape that was met, and those it is made of."""
        shown: set[str] = set()
        while waiting := [name for name in self._met if name not in shown]:
            for name in waiting:
                shown.add(name)
                yield Shape(name, self._fields(self._spec["components"]["schemas"][name]))

    def _operation(self, path: str, method: str, item: Json) -> Operation:
        described = item[method]
        answers = {str(status): answer for status, answer in described["responses"].items()}
        status = min(answers)
        body: Json = next(iter(described.get("requestBody", {}).get("content", {}).values()), {})
        parameters = [*item.get("parameters", ()), *described.get("parameters", ())]
        return Operation(
            name=described["operationId"],
            method=method.upper(),
            path=path,
            summary=_said(described["summary"]),
            about=_said(" ".join(described.get("description", "").split())),
            is_public={} in described["security"],
            roles=described.get("x-roles", []),
            parameters=[
                self._field(one["name"], one["schema"] | one, is_required=one["required"])
                for one in parameters
            ],
            body=self._fields(self._find(body["schema"])) if body else [],
            example=body.get("example"),
            status=status,
            answered=self._shape_of(answers[status]),
            refusals=[
                Refusal(status, code, _said(about))
                for status, answer in answers.items()
                for code, about in answer.get("x-codes", {}).items()
                if code not in _GENERAL
            ],
        )

    def _shape_of(self, answer: Json) -> str:
        for content in answer.get("content", {}).values():
            schema = content.get("schema", {})
            return self._meet(_name_in(schema.get("items", schema)))
        return ""

    def _meet(self, name: str) -> str:
        if name:
            self._met[name] = None
        return name

    def _fields(self, schema: Json) -> list[Field]:
        needed = schema.get("required", ())
        return [
            self._field(name, described, is_required=name in needed)
            for name, described in schema.get("properties", {}).items()
        ]

    def _field(self, name: str, described: Json, *, is_required: bool) -> Field:
        return Field(
            name=name,
            kind=_kind_of(described),
            shape=self._meet(_name_in(described.get("items", described))),
            is_required=is_required,
            about=_said(described.get("description", "")),
        )

    def _find(self, schema: Json) -> Json:
        name = _name_in(schema)
        found: Json = self._spec["components"]["schemas"][name] if name else schema
        return found


def _name_in(schema: Json) -> str:
    """Return the name of the shape that is referred to, if one is."""
    for one in (schema, *schema.get("allOf", ()), *schema.get("anyOf", ())):
        if "$ref" in one:
            return str(one["$ref"]).removeprefix(_SHAPES)
    return ""


def _kind_of(schema: Json) -> str:
    """Say of what kind a value is, in the words of JSON."""
    if _name_in(schema):
        return "object"
    if "enum" in schema:
        return " | ".join("null" if value is None else str(value) for value in schema["enum"])
    kinds = schema.get("type", "object")
    kind = " | ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if "items" in schema:
        return f"{kind} ({_kind_of(schema['items'])})"
    return f"{kind} ({schema['format']})" if "format" in schema else kind
