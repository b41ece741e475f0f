"""Comparison of plain JSON with the types of the installed Stripe SDK.

``typing.get_type_hints`` cannot read the SDK: its annotations name classes that
are imported for type checkers only. The forward references are resolved here,
each in the module that wrote it.
"""

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import (
    Any,
    ClassVar,
    ForwardRef,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import typing_extensions
from stripe import StripeObject
from stripe._request_options import RequestOptions
from stripe._stripe_object import UntypedStripeObject

from tests.contract.sdk_routes import Route, evaluate

JSON = Any
OPTIONS = frozenset(RequestOptions.__annotations__)
NOT_REQUIRED = (typing.NotRequired, typing_extensions.NotRequired)
REQUIRED = (typing.Required, typing_extensions.Required)
MARKS = (*NOT_REQUIRED, *REQUIRED)
LITERALS = (Literal, typing_extensions.Literal)


@dataclass
class Comparison:
    """What was compared so far, and what did not agree."""

    form: bool = False
    request_count: int = 0
    object_count: int = 0
    field_count: int = 0
    absent: set[str] = field(default_factory=set)
    mismatches: list[str] = field(default_factory=list)

    def fail(self, where: str, message: str) -> None:
        """Keep one disagreement."""
        self.mismatches.append(f"{where}: {message}")

    def spawn(self) -> "Comparison":
        """Begin a trial comparison, kept only if it agrees best."""
        return Comparison(form=self.form)

    def absorb(self, trial: "Comparison") -> None:
        """Keep what a trial counted and found."""
        self.object_count += trial.object_count
        self.field_count += trial.field_count
        self.absent |= trial.absent
        self.mismatches += trial.mismatches


def compare_request(route: Route, params: Mapping[str, JSON], comparison: Comparison) -> None:
    """Compare what was sent with the typed dictionary of the SDK's call."""
    comparison.request_count += 1
    where = f"{route.method.upper()} {route.path}"
    if route.params is None:
        for name in params:
            comparison.fail(where, f"parameter {name} is not of this call")
        return
    _compare(dict(params), evaluate(route.params, route.module), where, comparison, route.module)


def compare_answer(route: Route, answer: JSON, comparison: Comparison) -> None:
    """Compare what came back with the class the SDK makes of it."""
    where = f"{route.method.upper()} {route.path}"
    _compare(answer, evaluate(route.answer, route.module), where, comparison, route.module)


def compare_object(value: JSON, expected: type, comparison: Comparison) -> None:
    """Compare one object, as found in an event, with its class."""
    _compare(value, expected, expected.__name__, comparison, expected.__module__)


def _compare(value: JSON, expected: Any, where: str, comparison: Comparison, module: str) -> None:
    if isinstance(expected, str | ForwardRef):
        text = expected if isinstance(expected, str) else expected.__forward_arg__
        expected = evaluate(text, module)
    origin = get_origin(expected)
    if origin in MARKS:
        _compare(value, get_args(expected)[0], where, comparison, module)
    elif origin in (Union, types.UnionType):
        _compare_union(value, expected, where, comparison, module)
    elif origin in LITERALS:
        if value not in get_args(expected):
            comparison.fail(where, f"{value!r} is not one of {get_args(expected)}")
    elif origin in (list, dict) or origin is UntypedStripeObject:
        _compare_container(value, expected, where, comparison, module)
    elif (scoped := _class_of(expected, module)) is not None:
        _compare_class(value, scoped[0], where, comparison, scoped[1])
    elif typing_extensions.is_typeddict(expected):
        _compare_typed_dict(value, expected, where, comparison)
    elif not _is_scalar_of(value, expected, form=comparison.form):
        comparison.fail(where, f"{value!r} is not {expected}")


def _class_of(
    expected: Any, module: str
) -> tuple[type[StripeObject], tuple[Mapping[TypeVar, Any], str]] | None:
    """Return the class an annotation names, with what its type variables stand for."""
    origin = get_origin(expected)
    if isinstance(origin, type) and issubclass(origin, StripeObject):
        parameters: tuple[TypeVar, ...] = vars(origin)["__parameters__"]
        return origin, (dict(zip(parameters, get_args(expected), strict=True)), module)
    if isinstance(expected, type) and issubclass(expected, StripeObject):
        return expected, ({}, module)
    return None


def _compare_union(
    value: JSON, expected: Any, where: str, comparison: Comparison, module: str
) -> None:
    if value is None and type(None) in get_args(expected):
        return
    alternatives = [one for one in get_args(expected) if one is not type(None)]
    if isinstance(value, dict) and len(alternatives) > 1:
        alternatives = [one for one in alternatives if one is not str]
    trials = []
    for alternative in alternatives:
        trial = comparison.spawn()
        _compare(value, alternative, where, trial, module)
        trials.append(trial)
    comparison.absorb(min(trials, key=lambda trial: (len(trial.mismatches), -trial.field_count)))


def _compare_container(
    value: JSON, expected: Any, where: str, comparison: Comparison, module: str
) -> None:
    item = get_args(expected)[-1]
    wanted = list if get_origin(expected) is list else dict
    if not isinstance(value, wanted):
        comparison.fail(where, f"{value!r} is not a {wanted.__name__}")
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, element in items:
        _compare(element, item, f"{where}[{key}]", comparison, module)


def _compare_class(
    value: JSON,
    expected: type[StripeObject],
    where: str,
    comparison: Comparison,
    scope: tuple[Mapping[TypeVar, Any], str],
) -> None:
    if not isinstance(value, dict):
        comparison.fail(where, f"{value!r} is not an object {expected.__name__}")
        return
    bound, argument_module = scope
    comparison.object_count += 1
    annotations = annotations_of(expected)
    if "object" not in annotations and hasattr(expected, "OBJECT_NAME"):
        annotations["object"] = (str | None, expected.__module__)  # v2's lists go without
    for name in value.keys() - annotations.keys():
        comparison.fail(where, f"{expected.__qualname__} has no field {name}")
    for name, (annotation, module) in annotations.items():
        if name in value:
            comparison.field_count += 1
            held = _bind(annotation, bound)
            origin_module = argument_module if held is not annotation else module
            _compare(value[name], held, f"{where}.{name}", comparison, origin_module)
        elif _is_optional(annotation):
            comparison.absent.add(f"{expected.__qualname__}.{name}")
        else:
            comparison.fail(where, f"{expected.__qualname__}.{name} is missing")


def _compare_typed_dict(value: JSON, expected: Any, where: str, comparison: Comparison) -> None:
    if not isinstance(value, dict):
        comparison.fail(where, f"{value!r} is not a set of parameters")
        return
    annotations = {
        name: annotation
        for name, annotation in expected.__annotations__.items()
        if name not in OPTIONS
    }
    for name in value.keys() - annotations.keys():
        comparison.fail(where, f"parameter {name} is not in {expected.__name__}")
    for name in (expected.__required_keys__ & annotations.keys()) - value.keys():
        if not _is_optional_key(annotations[name], expected.__module__):
            comparison.fail(where, f"parameter {name} of {expected.__name__} is missing")
    for name in value.keys() & annotations.keys():
        comparison.field_count += 1
        _compare(value[name], annotations[name], f"{where}.{name}", comparison, expected.__module__)


def annotations_of(expected: type) -> dict[str, tuple[Any, str]]:
    """Give the public fields of a class of the SDK, each with the module that wrote it."""
    fields: dict[str, tuple[Any, str]] = {}
    for base in reversed(expected.__mro__):
        if base is StripeObject or not base.__module__.startswith("stripe"):
            continue
        for name, annotation in vars(base).get("__annotations__", {}).items():
            if not name.startswith("_") and get_origin(annotation) is not ClassVar:
                remapped = getattr(expected, "_field_remappings", {}).get(name, name)
                fields[remapped] = (annotation, base.__module__)
    return fields


def _bind(annotation: Any, bound: Mapping[TypeVar, Any]) -> Any:
    if not bound:
        return annotation
    if isinstance(annotation, TypeVar):
        return bound[annotation]
    if parameters := getattr(annotation, "__parameters__", ()):
        return annotation[tuple(bound[parameter] for parameter in parameters)]
    return annotation


def _is_optional(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation)


def _is_optional_key(annotation: Any, module: str) -> bool:
    if isinstance(annotation, str | ForwardRef):
        text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        annotation = evaluate(text, module)
    return get_origin(annotation) in NOT_REQUIRED


def _is_scalar_of(value: JSON, expected: Any, *, form: bool) -> bool:
    if expected is Any:
        return True
    if form and isinstance(value, str):
        return _is_text_of(value, expected)
    if expected is float:
        return type(value) in (int, float)
    if expected is Decimal:
        return isinstance(value, str) and _is_text_of(value, Decimal)
    return isinstance(expected, type) and type(value) is expected


def _is_text_of(value: str, expected: Any) -> bool:
    """Say whether a value of a form, always text, spells the type."""
    if expected is str:
        return True
    if expected is bool:
        return value in ("true", "false")
    if expected is int:
        return value.removeprefix("-").isdecimal()
    if expected in (float, Decimal):
        try:
            Decimal(value)
        except InvalidOperation:
            return False
        return True
    return False
