"""The routes of the installed Stripe SDK, read from its service classes.

Each service method names its HTTP method, its path, the typed dictionary of its
parameters and the class of its answer; nothing here is written by hand, so an
upgrade of the SDK moves the checks with it.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import stripe

SDK_FOLDER = Path(stripe.__file__).parent


@dataclass(frozen=True)
class Route:
    """One call the SDK can make: what it sends and what it gets back."""

    method: str
    path: str
    params: str | None
    answer: str
    module: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """Match a concrete path against the template of this route."""
        parts = re.split(r"\{[^}]+\}", self.path)
        return re.compile("[^/]+".join(re.escape(part) for part in parts))


def find_route(method: str, path: str) -> Route | None:
    """Find the SDK's call for a request, preferring literal paths to templates."""
    known = routes()
    exact = known.get((method.lower(), path))
    if exact is not None:
        return exact
    fitting = (
        route
        for route in known.values()
        if route.method == method.lower() and route.pattern.fullmatch(path)
    )
    return next(fitting, None)


@cache
def routes() -> dict[tuple[str, str], Route]:
    """Read every service of the SDK once."""
    found: dict[tuple[str, str], Route] = {}
    for file in sorted(SDK_FOLDER.rglob("_*_service.py")):
        module = ".".join(("stripe", *file.relative_to(SDK_FOLDER).with_suffix("").parts))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for route in _routes_of(node, module):
                    found[route.method, route.path] = route
    return found


def _routes_of(method: ast.FunctionDef, module: str) -> Iterator[Route]:
    for call in ast.walk(method):
        if not (isinstance(call, ast.Call) and _name_of(call.func) == "_request"):
            continue
        verb, path = call.args[0], call.args[1]
        if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute):
            path = path.func.value
        if isinstance(verb, ast.Constant) and isinstance(path, ast.Constant):
            yield Route(
                method=str(verb.value),
                path=str(path.value),
                params=_params_of(method),
                answer=_text_of(method.returns),
                module=module,
            )


def _name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def _params_of(method: ast.FunctionDef) -> str | None:
    for argument in (*method.args.posonlyargs, *method.args.args):
        if argument.arg == "params":
            quoted = [node.value for node in ast.walk(argument) if isinstance(node, ast.Constant)]
            return next((text for text in quoted if isinstance(text, str)), None)
    return None


def _text_of(annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return ast.unparse(annotation) if annotation is not None else "None"


class ModuleNames(dict[str, Any]):
    """The names a module of the SDK uses, with those it imports for type checkers only."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__()
        self._module = module
        self._imports = _imports_of(str(module.__file__))

    def __missing__(self, name: str) -> Any:
        if name in self._imports:
            source, original = self._imports[name]
            value = getattr(importlib.import_module(source), original)
        else:
            try:
                value = getattr(self._module, name)
            except AttributeError as error:
                raise KeyError(name) from error
        self[name] = value
        return value


@cache
def names_of(module: str) -> ModuleNames:
    """Give the names visible in a module of the SDK."""
    return ModuleNames(importlib.import_module(module))


@cache
def evaluate(text: str, module: str) -> Any:
    """Resolve an annotation written as text in a module of the SDK."""
    return eval(text, {}, names_of(module))  # noqa: S307 - the SDK's own annotations


def _imports_of(file: str) -> dict[str, tuple[str, str]]:
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0
        for alias in node.names
    }
